### Les notifications en français (vous). Espaces insécables : U+00A0 et U+202F.
### What a message can say, and how to write it, stands at the top of en.ftl.

## Shared by the messages below; each stands where its argument is known to be there.

# "1 000 000 de points": round millions take "de".
some-points = { $points ->
        [one] { $points } point
        [1000000] { $points } de points
       *[other] { $points } points
    }

and-points = { $points ->
        [none] { "" }
       *[other] { " " }Vous gagnez aussi { some-points }.
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] { " " }Et le badge « { $badge } » est à vous.
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] { " " }Nouveau pour vous : { $feature }.
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] { " " }Votre code de réduction : { $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] { " " }Prochaine étape : le badge « { $next_badge } ».
           *[other] { " " }Plus que { $badge_left } avant le badge « { $next_badge } ».
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] Succès débloqué !
           *[other] Nouveau badge : { $badge }
        }
       *[other] Succès débloqué : { $achievement }
    }
    .body = { $badge ->
        [none] Ce n’était pas gagné d’avance. Bravo !
       *[other] Bravo ! Le badge « { $badge } » est à vous.
    }{ and-points }{ and-feature }{ and-code }

point_earning =
    .title = { $points ->
        [none] Vous avez gagné des points !
       *[other] Vous avez gagné { some-points } !
    }
    .body = { $total ->
        [none] Beau travail ! Votre solde est à jour.
        [one] Beau travail ! Votre solde est de { $total } point.
        [1000000] Beau travail ! Votre solde est de { $total } de points.
       *[other] Beau travail ! Votre solde est de { $total } points.
    }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] Défi relevé !
       *[other] Défi relevé : { $challenge }
    }
    .body = { $points ->
        [none] Vous avez réussi ! Savourez cet instant.
       *[other] Vous avez réussi ! Votre récompense : { some-points }.
    }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] Un bonus vous attend
           *[other] Un bonus de { some-points } vous attend
        }
       *[other] Un bonus de { $percent } % vous attend
    }
    .body = L’offre ne durera pas éternellement : profitez-en !{ and-code }

streak_reward =
    .title = { $streak ->
        [none] Votre série continue !
        [1] { $streak } jour : votre série est lancée !
        [one] { $streak } jour d’affilée !
       *[other] { $streak } jours d’affilée !
    }
    .body = { $milestone ->
        [none] Revenez demain pour ne pas la perdre.
       *[other] { $days_left ->
            [none] Continuez ainsi : prochain palier au jour { $milestone }.
            [one] Plus que { $days_left } jour avant le prochain palier, au jour { $milestone }.
           *[other] Plus que { $days_left } jours avant le prochain palier, au jour { $milestone }.
        }
    }{ and-points }{ and-badge }

referral_bonus =
    .title = { $friend ->
        [none] Quelqu’un nous a rejoints grâce à vous !
       *[other] { $friend } nous a rejoints grâce à vous !
    }
    .body = { $points ->
        [none] Merci d’avoir parlé de nous.
       *[other] Merci d’avoir parlé de nous. Votre bonus : { some-points }.
    }{ and-code }

## Digests: one notification for several of a type

achievement_reward-digest =
    .title = { $count ->
        [one] Succès débloqué !
       *[other] { $count } succès débloqués !
    }
    .body = Ce n’était pas gagné d’avance. Bravo !{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { $count ->
            [one] Vous avez gagné des points !
           *[other] Vous avez gagné des points { $count } fois !
        }
       *[other] Vous avez gagné { some-points } !
    }
    .body = { $points ->
        [none] Beau travail ! Votre solde est à jour.
       *[other] { $count ->
            [one] Beau travail ! Une récompense s’ajoute à votre solde.
           *[other] Beau travail ! { $count } récompenses s’ajoutent à votre solde.
        }
    }

challenge_completion-digest =
    .title = { $count ->
        [one] Défi relevé !
       *[other] { $count } défis relevés !
    }
    .body = { $points ->
        [none] Vous avez réussi ! Savourez cet instant.
       *[other] Vous avez réussi ! Votre récompense : { some-points }.
    }

bonus_opportunity-digest =
    .title = { $count ->
        [one] Un bonus vous attend
       *[other] { $count } bonus vous attendent
    }
    .body = { $points ->
        [none] { $count ->
            [one] L’offre ne durera pas éternellement : profitez-en !
           *[other] Ces offres ne dureront pas éternellement : profitez-en !
        }
       *[other] { $count ->
            [one] Il vaut { some-points } : profitez-en tant qu’il est temps !
           *[other] Ensemble, ils valent { some-points } : profitez-en tant qu’il est temps !
        }
    }

streak_reward-digest =
    .title = { $count ->
        [one] Une récompense pour votre série !
       *[other] { $count } récompenses pour votre série !
    }
    .body = { $points ->
        [none] Revenez demain pour ne pas perdre votre série.
       *[other] Vous gagnez { some-points }. Revenez demain pour ne pas perdre votre série.
    }

referral_bonus-digest =
    .title = { $count ->
        [one] Quelqu’un nous a rejoints grâce à vous !
       *[other] { $count } personnes nous ont rejoints grâce à vous !
    }
    .body = { $points ->
        [none] Merci d’avoir parlé de nous.
       *[other] Merci d’avoir parlé de nous. Votre bonus : { some-points }.
    }
