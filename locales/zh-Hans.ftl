### 简体中文通知（你）。
### What a message can say, and how to write it, stands at the top of en.ftl.

## Shared by the messages below; each stands where its argument is known to be there.

some-points = { $points } 积分

and-points = { $points ->
        [none] { "" }
       *[other] 另外还有 { some-points }送给你。
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] “{ $badge }”徽章也是你的了。
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] 新功能已为你开启：{ $feature }。
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] 你的优惠码：{ $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] 下一个目标：“{ $next_badge }”徽章。
           *[other] 距离“{ $next_badge }”徽章只差 { $badge_left }。
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] 你解锁了一项成就！
           *[other] 新徽章：{ $badge }
        }
       *[other] 成就解锁：{ $achievement }
    }
    .body = { $badge ->
        [none] 来之不易，真棒！
       *[other] 真棒！“{ $badge }”徽章是你的了。
    }{ and-points }{ and-feature }{ and-code }

point_earning =
    .title = { $points ->
        [none] 积分到账了！
       *[other] 你获得了 { some-points }！
    }
    .body = { $total ->
        [none] 做得好！积分余额已更新。
       *[other] 做得好！你现在有 { $total } 积分。
    }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] 挑战完成！
       *[other] 挑战完成：{ $challenge }
    }
    .body = { $points ->
        [none] 你做到了！好好享受这一刻吧。
       *[other] 你做到了！你的奖励：{ some-points }。
    }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] 一份奖励在等你
           *[other] { some-points }奖励在等你
        }
       *[other] { $percent }% 额外奖励在等你
    }
    .body = 机会有限，趁现在来领取吧。{ and-code }

streak_reward =
    .title = { $streak ->
        [none] 你的连续记录还在继续！
        [1] 第 { $streak } 天，连续记录开始了！
       *[other] 连续 { $streak } 天！
    }
    .body = { $milestone ->
        [none] 明天再来，让记录继续。
       *[other] { $days_left ->
            [none] 保持下去：下一个里程碑是第 { $milestone } 天。
           *[other] 再坚持 { $days_left } 天，就到下一个里程碑：第 { $milestone } 天。
        }
    }{ and-points }{ and-badge }

referral_bonus =
    .title = { $friend ->
        [none] 有新朋友因你而加入！
       *[other] { $friend } 因你而加入！
    }
    .body = { $points ->
        [none] 谢谢你的推荐。
       *[other] 谢谢你的推荐。你的奖励：{ some-points }。
    }{ and-code }

## Digests: one notification for several of a type

achievement_reward-digest =
    .title = { $count ->
        [1] 你解锁了一项成就！
       *[other] 你解锁了 { $count } 项成就！
    }
    .body = 来之不易，真棒！{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { $count ->
            [1] 积分到账了！
           *[other] { $count } 笔积分到账了！
        }
       *[other] 你获得了 { some-points }！
    }
    .body = { $points ->
        [none] 做得好！积分余额已更新。
       *[other] 做得好！{ $count } 笔奖励已计入积分余额。
    }

challenge_completion-digest =
    .title = { $count ->
        [1] 挑战完成！
       *[other] { $count } 项挑战完成！
    }
    .body = { $points ->
        [none] 你做到了！好好享受这一刻吧。
       *[other] 你做到了！你的奖励：{ some-points }。
    }

bonus_opportunity-digest =
    .title = { $count ->
        [1] 一份奖励在等你
       *[other] { $count } 份奖励在等你
    }
    .body = { $points ->
        [none] 机会有限，趁现在来领取吧。
       *[other] 奖励共 { some-points }。机会有限，趁现在来领取吧。
    }

streak_reward-digest =
    .title = { $count ->
        [1] 连续记录为你赢得一份奖励！
       *[other] 连续记录为你赢得 { $count } 份奖励！
    }
    .body = { $points ->
        [none] 明天再来，让记录继续。
       *[other] 你获得了 { some-points }。明天再来，让记录继续。
    }

referral_bonus-digest =
    .title = { $count ->
        [1] 有新朋友因你而加入！
       *[other] 有 { $count } 位新朋友因你而加入！
    }
    .body = { $points ->
        [none] 谢谢你的推荐。
       *[other] 谢谢你的推荐。你的奖励：{ some-points }。
    }
