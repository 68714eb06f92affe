### Las notificaciones en español (tú).
### What a message can say, and how to write it, stands at the top of en.ftl.

## Shared by the messages below; each stands where its argument is known to be there.

# "1.000.000 de puntos": round millions take "de".
some-points = { $points ->
        [one] { $points } punto
        [1000000] { $points } de puntos
       *[other] { $points } puntos
    }

and-points = { $points ->
        [none] { "" }
       *[other] { " " }Además, te llevas { some-points }.
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] { " " }Y la insignia «{ $badge }» ya es tuya.
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] { " " }Novedad para ti: { $feature }.
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] { " " }Tu código de descuento: { $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] { " " }Lo próximo: la insignia «{ $next_badge }».
            [one] { " " }Solo te falta { $badge_left } para la insignia «{ $next_badge }».
           *[other] { " " }Solo te faltan { $badge_left } para la insignia «{ $next_badge }».
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] ¡Has desbloqueado un logro!
           *[other] Nueva insignia: { $badge }
        }
       *[other] Logro desbloqueado: { $achievement }
    }
    .body = { $badge ->
        [none] No era nada fácil. ¡Enhorabuena!
       *[other] ¡Enhorabuena! La insignia «{ $badge }» ya es tuya.
    }{ and-points }{ and-feature }{ and-code }

point_earning =
    .title = { $points ->
        [none] ¡Has ganado puntos!
       *[other] ¡Has ganado { some-points }!
    }
    .body = { $total ->
        [none] ¡Buen trabajo! Tu saldo ya está al día.
        [one] ¡Buen trabajo! Ya tienes { $total } punto.
        [1000000] ¡Buen trabajo! Ya tienes { $total } de puntos.
       *[other] ¡Buen trabajo! Ya tienes { $total } puntos.
    }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] ¡Reto superado!
       *[other] Reto superado: { $challenge }
    }
    .body = { $points ->
        [none] ¡Lo has conseguido! Disfruta del momento.
       *[other] ¡Lo has conseguido! Tu recompensa: { some-points }.
    }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] Te espera una bonificación
           *[other] Te espera una bonificación de { some-points }
        }
       *[other] Te espera una bonificación del { $percent } %
    }
    .body = No durará para siempre: aprovecha mientras puedas.{ and-code }

streak_reward =
    .title = { $streak ->
        [none] ¡Tu racha sigue viva!
        [one] { $streak } día: ¡tu racha ha empezado!
       *[other] ¡{ $streak } días seguidos!
    }
    .body = { $milestone ->
        [none] Vuelve mañana para no perderla.
       *[other] { $days_left ->
            [none] Sigue así: tu próxima meta es el día { $milestone }.
            [one] Solo falta { $days_left } día para tu próxima meta, el día { $milestone }.
           *[other] Solo faltan { $days_left } días para tu próxima meta, el día { $milestone }.
        }
    }{ and-points }{ and-badge }

referral_bonus =
    .title = { $friend ->
        [none] ¡Alguien se ha unido gracias a ti!
       *[other] ¡{ $friend } se ha unido gracias a ti!
    }
    .body = { $points ->
        [none] Gracias por correr la voz.
       *[other] Gracias por correr la voz. Tu bonificación: { some-points }.
    }{ and-code }

## Digests: one notification for several of a type

achievement_reward-digest =
    .title = { $count ->
        [one] ¡Has desbloqueado un logro!
       *[other] ¡Has desbloqueado { $count } logros!
    }
    .body = No era nada fácil. ¡Enhorabuena!{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { $count ->
            [one] ¡Has ganado puntos!
           *[other] ¡Has ganado puntos { $count } veces!
        }
       *[other] ¡Has ganado { some-points }!
    }
    .body = { $points ->
        [none] ¡Buen trabajo! Tu saldo ya está al día.
       *[other] { $count ->
            [one] ¡Buen trabajo! Se ha sumado una recompensa a tu saldo.
           *[other] ¡Buen trabajo! Se han sumado { $count } recompensas a tu saldo.
        }
    }

challenge_completion-digest =
    .title = { $count ->
        [one] ¡Reto superado!
       *[other] ¡{ $count } retos superados!
    }
    .body = { $points ->
        [none] ¡Lo has conseguido! Disfruta del momento.
       *[other] ¡Lo has conseguido! Tu recompensa: { some-points }.
    }

bonus_opportunity-digest =
    .title = { $count ->
        [one] Te espera una bonificación
       *[other] Te esperan { $count } bonificaciones
    }
    .body = { $points ->
        [none] { $count ->
            [one] No durará para siempre: aprovecha mientras puedas.
           *[other] No durarán para siempre: aprovecha mientras puedas.
        }
       *[other] { $count ->
            [one] Vale { some-points }: aprovecha mientras puedas.
           *[other] En total suman { some-points }: aprovecha mientras puedas.
        }
    }

streak_reward-digest =
    .title = { $count ->
        [one] ¡Una recompensa por tu racha!
       *[other] ¡{ $count } recompensas por tu racha!
    }
    .body = { $points ->
        [none] Vuelve mañana para no perder la racha.
       *[other] Te llevas { some-points }. Vuelve mañana para no perder la racha.
    }

referral_bonus-digest =
    .title = { $count ->
        [one] ¡Alguien se ha unido gracias a ti!
       *[other] ¡{ $count } personas se han unido gracias a ti!
    }
    .body = { $points ->
        [none] Gracias por correr la voz.
       *[other] Gracias por correr la voz. Tu bonificación: { some-points }.
    }
