### Уведомления на русском (вы). Неразрывный пробел перед %: U+00A0.
### What a message can say, and how to write it, stands at the top of en.ftl.

## Shared by the messages below; each stands where its argument is known to be there.

some-points = { $points ->
        [one] { $points } балл
        [few] { $points } балла
        [many] { $points } баллов
       *[other] { $points } балла
    }

and-points = { $points ->
        [none] { "" }
       *[other] { " " }Ещё вы получаете { some-points }.
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] { " " }И значок «{ $badge }» теперь ваш.
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] { " " }Новое для вас: { $feature }.
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] { " " }Ваш промокод: { $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] { " " }Следующая цель — значок «{ $next_badge }».
           *[other] { " " }До значка «{ $next_badge }» осталось всего { $badge_left }.
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] Новое достижение!
           *[other] Новый значок: { $badge }
        }
       *[other] Новое достижение: { $achievement }
    }
    .body = { $badge ->
        [none] Это было непросто. Отличная работа!
       *[other] Отличная работа! Значок «{ $badge }» теперь ваш.
    }{ and-points }{ and-feature }{ and-code }

point_earning =
    .title = { $points ->
        [none] Вам начислены баллы!
       *[other] Вы заработали { some-points }!
    }
    .body = { $total ->
        [none] Так держать! Баланс обновлён.
        [one] Так держать! Теперь у вас { $total } балл.
        [few] Так держать! Теперь у вас { $total } балла.
        [many] Так держать! Теперь у вас { $total } баллов.
       *[other] Так держать! Теперь у вас { $total } балла.
    }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] Испытание пройдено!
       *[other] Испытание пройдено: { $challenge }
    }
    .body = { $points ->
        [none] У вас получилось! Насладитесь моментом.
       *[other] У вас получилось! Ваша награда: { some-points }.
    }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] Вас ждёт бонус
           *[other] Вас ждёт бонус: { some-points }
        }
       *[other] Вас ждёт бонус { $percent } %
    }
    .body = Предложение действует недолго: успейте воспользоваться.{ and-code }

streak_reward =
    .title = { $streak ->
        [none] Ваша серия продолжается!
        [1] { $streak } день: серия началась!
        [one] { $streak } день подряд!
        [few] { $streak } дня подряд!
        [many] { $streak } дней подряд!
       *[other] { $streak } дня подряд!
    }
    .body = { $milestone ->
        [none] Загляните завтра, чтобы не прервать серию.
       *[other] { $days_left ->
            [none] Так держать! Следующая цель — { $milestone }-й день.
            [one] До следующей цели, { $milestone }-го дня, остался { $days_left } день.
            [few] До следующей цели, { $milestone }-го дня, осталось { $days_left } дня.
            [many] До следующей цели, { $milestone }-го дня, осталось { $days_left } дней.
           *[other] До следующей цели, { $milestone }-го дня, осталось { $days_left } дня.
        }
    }{ and-points }{ and-badge }

# Whoever has joined is of either gender: no past tense in the singular.
referral_bonus =
    .title = { $friend ->
        [none] Благодаря вам нас стало больше!
       *[other] { $friend } теперь с нами благодаря вам!
    }
    .body = { $points ->
        [none] Спасибо, что рассказываете о нас.
       *[other] Спасибо, что рассказываете о нас. Ваш бонус: { some-points }.
    }{ and-code }

## Digests: one notification for several of a type. What is said of one alone stands under [1], since 21 is [one], too.

achievement_reward-digest =
    .title = { $count ->
        [1] Новое достижение!
        [one] { $count } новое достижение!
        [few] { $count } новых достижения!
        [many] { $count } новых достижений!
       *[other] { $count } нового достижения!
    }
    .body = Это было непросто. Отличная работа!{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { $count ->
            [1] Вам начислены баллы!
            [one] У вас { $count } начисление баллов!
            [few] У вас { $count } начисления баллов!
            [many] У вас { $count } начислений баллов!
           *[other] У вас { $count } начисления баллов!
        }
       *[other] Вы заработали { some-points }!
    }
    .body = { $points ->
        [none] Так держать! Баланс обновлён.
       *[other] { $count ->
            [1] Так держать! Награда уже на вашем балансе.
            [one] Так держать! На вашем балансе { $count } новая награда.
            [few] Так держать! На вашем балансе { $count } новые награды.
            [many] Так держать! На вашем балансе { $count } новых наград.
           *[other] Так держать! На вашем балансе { $count } новой награды.
        }
    }

challenge_completion-digest =
    .title = { $count ->
        [1] Испытание пройдено!
        [one] Пройдено { $count } испытание!
        [few] Пройдено { $count } испытания!
        [many] Пройдено { $count } испытаний!
       *[other] Пройдено { $count } испытания!
    }
    .body = { $points ->
        [none] У вас получилось! Насладитесь моментом.
       *[other] У вас получилось! Ваша награда: { some-points }.
    }

bonus_opportunity-digest =
    .title = { $count ->
        [1] Вас ждёт бонус
        [one] Вас ждёт { $count } бонус
        [few] Вас ждут { $count } бонуса
        [many] Вас ждут { $count } бонусов
       *[other] Вас ждёт { $count } бонуса
    }
    .body = { $points ->
        [none] { $count ->
            [1] Предложение действует недолго: успейте воспользоваться.
           *[other] Предложения действуют недолго: успейте воспользоваться.
        }
       *[other] { $count ->
            [1] Размер бонуса: { some-points }. Предложение действует недолго: успейте воспользоваться.
           *[other] Всего { some-points }. Предложения действуют недолго: успейте воспользоваться.
        }
    }

streak_reward-digest =
    .title = { $count ->
        [1] Награда за вашу серию!
        [one] { $count } награда за вашу серию!
        [few] { $count } награды за вашу серию!
        [many] { $count } наград за вашу серию!
       *[other] { $count } награды за вашу серию!
    }
    .body = { $points ->
        [none] Загляните завтра, чтобы не прервать серию.
       *[other] Вы получаете { some-points }. Загляните завтра, чтобы не прервать серию.
    }

referral_bonus-digest =
    .title = { $count ->
        [1] Благодаря вам нас стало больше!
        [one] Благодаря вам с нами ещё { $count } человек!
        [few] Благодаря вам с нами ещё { $count } человека!
        [many] Благодаря вам с нами ещё { $count } человек!
       *[other] Благодаря вам с нами ещё { $count } человека!
    }
    .body = { $points ->
        [none] Спасибо, что рассказываете о нас.
       *[other] Спасибо, что рассказываете о нас. Ваш бонус: { some-points }.
    }
