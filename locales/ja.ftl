### 日本語の通知（です・ます）。
### What a message can say, and how to write it, stands at the top of en.ftl.

## Shared by the messages below; each stands where its argument is known to be there.

some-points = { $points }ポイント

and-points = { $points ->
        [none] { "" }
       *[other] { some-points }もプレゼントします。
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] 「{ $badge }」バッジも獲得しました。
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] 新しく使えるようになりました：{ $feature }。
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] 割引コード：{ $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] 次は「{ $next_badge }」バッジを目指しましょう。
           *[other] 「{ $next_badge }」バッジまであと{ $badge_left }です。
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] 実績を解除しました！
           *[other] 新しいバッジ：{ $badge }
        }
       *[other] 実績解除：{ $achievement }
    }
    .body = { $badge ->
        [none] おめでとうございます！努力が実りましたね。
       *[other] おめでとうございます！「{ $badge }」バッジを獲得しました。
    }{ and-points }{ and-feature }{ and-code }

point_earning =
    .title = { $points ->
        [none] ポイントを獲得しました！
       *[other] { some-points }を獲得しました！
    }
    .body = { $total ->
        [none] 残高に反映しました。
       *[other] 現在の残高は{ $total }ポイントです。
    }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] チャレンジ達成！
       *[other] チャレンジ達成：{ $challenge }
    }
    .body = { $points ->
        [none] やりましたね！お疲れさまでした。
       *[other] やりましたね！ごほうびに{ some-points }をお贈りします。
    }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] ボーナスのチャンスです
           *[other] { some-points }のボーナスチャンスです
        }
       *[other] { $percent }%ボーナスのチャンスです
    }
    .body = 期間限定です。お早めにどうぞ。{ and-code }

streak_reward =
    .title = { $streak ->
        [none] 連続記録を更新中です！
        [1] { $streak }日目、連続記録のスタートです！
       *[other] { $streak }日連続達成！
    }
    .body = { $milestone ->
        [none] 明日もお待ちしています。
       *[other] { $days_left ->
            [none] この調子です。次の目標は{ $milestone }日です。
           *[other] 次の目標の{ $milestone }日まで、あと{ $days_left }日です。
        }
    }{ and-points }{ and-badge }

referral_bonus =
    .title = { $friend ->
        [none] お友だちが参加しました！
       *[other] { $friend }さんが参加しました！
    }
    .body = { $points ->
        [none] ご紹介ありがとうございます。
       *[other] ご紹介ありがとうございます。お礼に{ some-points }をお贈りします。
    }{ and-code }

## Digests: one notification for several of a type

achievement_reward-digest =
    .title = { $count ->
        [1] 実績を解除しました！
       *[other] 実績を{ $count }個解除しました！
    }
    .body = おめでとうございます！努力が実りましたね。{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { $count ->
            [1] ポイントを獲得しました！
           *[other] ポイントを{ $count }回獲得しました！
        }
       *[other] { some-points }を獲得しました！
    }
    .body = { $points ->
        [none] 残高に反映しました。
       *[other] { $count ->
            [1] 残高に反映しました。
           *[other] { $count }件分をまとめて残高に反映しました。
        }
    }

challenge_completion-digest =
    .title = { $count ->
        [1] チャレンジ達成！
       *[other] チャレンジを{ $count }個達成！
    }
    .body = { $points ->
        [none] やりましたね！お疲れさまでした。
       *[other] やりましたね！ごほうびに{ some-points }をお贈りします。
    }

bonus_opportunity-digest =
    .title = { $count ->
        [1] ボーナスのチャンスです
       *[other] ボーナスのチャンスが{ $count }件あります
    }
    .body = { $points ->
        [none] 期間限定です。お早めにどうぞ。
       *[other] { $count ->
            [1] { some-points }のチャンスです。期間限定ですので、お早めにどうぞ。
           *[other] 合わせて{ some-points }のチャンスです。期間限定ですので、お早めにどうぞ。
        }
    }

streak_reward-digest =
    .title = { $count ->
        [1] 連続記録のごほうびです！
       *[other] 連続記録のごほうびが{ $count }件届きました！
    }
    .body = { $points ->
        [none] 明日もお待ちしています。
       *[other] { some-points }を獲得しました。明日もお待ちしています。
    }

referral_bonus-digest =
    .title = { $count ->
        [1] お友だちが参加しました！
       *[other] お友だちが{ $count }人参加しました！
    }
    .body = { $points ->
        [none] ご紹介ありがとうございます。
       *[other] ご紹介ありがとうございます。お礼に{ some-points }をお贈りします。
    }
