### Die Benachrichtigungen auf Deutsch (du).
### What a message can say, and how to write it, stands at the top of en.ftl.

## Shared by the messages below; each stands where its argument is known to be there.

some-points = { $points ->
        [one] { $points } Punkt
       *[other] { $points } Punkte
    }

and-points = { $points ->
        [none] { "" }
       *[other] { " " }Dazu bekommst du { some-points }.
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] { " " }Dazu gibt’s das Abzeichen „{ $badge }“.
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] { " " }Neu für dich: { $feature }.
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] { " " }Dein Rabattcode: { $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] { " " }Als Nächstes winkt dir das Abzeichen „{ $next_badge }“.
           *[other] { " " }Nur noch { $badge_left } bis zum Abzeichen „{ $next_badge }“.
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] Erfolg freigeschaltet!
           *[other] Neues Abzeichen: { $badge }
        }
       *[other] Erfolg freigeschaltet: { $achievement }
    }
    .body = { $badge ->
        [none] Das war nicht ohne. Gut gemacht!
       *[other] Gut gemacht! Das Abzeichen „{ $badge }“ gehört dir.
    }{ and-points }{ and-feature }{ and-code }

point_earning =
    .title = { $points ->
        [none] Du hast Punkte gesammelt!
       *[other] Du hast { some-points } gesammelt!
    }
    .body = { $total ->
        [none] Klasse! Dein Punktestand ist aktualisiert.
        [one] Klasse! Damit hast du jetzt { $total } Punkt.
       *[other] Klasse! Damit hast du jetzt { $total } Punkte.
    }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] Challenge geschafft!
       *[other] Challenge geschafft: { $challenge }
    }
    .body = { $points ->
        [none] Stark! Genieß den Moment.
       *[other] Stark! Deine Belohnung: { some-points }.
    }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] Ein Bonus wartet auf dich
           *[other] Auf dich wartet ein Bonus: { some-points }
        }
       *[other] { $percent } % Bonus warten auf dich
    }
    .body = Greif zu, solange der Bonus läuft!{ and-code }

streak_reward =
    .title = { $streak ->
        [none] Deine Serie läuft weiter!
        [one] { $streak } Tag: Deine Serie hat begonnen!
       *[other] { $streak } Tage in Folge!
    }
    .body = { $milestone ->
        [none] Schau morgen wieder vorbei, damit sie nicht abreißt.
       *[other] { $days_left ->
            [none] Weiter so: Dein nächster Meilenstein ist Tag { $milestone }.
            [one] Nur noch { $days_left } Tag bis zu deinem nächsten Meilenstein: Tag { $milestone }.
           *[other] Nur noch { $days_left } Tage bis zu deinem nächsten Meilenstein: Tag { $milestone }.
        }
    }{ and-points }{ and-badge }

referral_bonus =
    .title = { $friend ->
        [none] Dank dir ist jemand Neues dabei!
       *[other] { $friend } ist dank dir dabei!
    }
    .body = { $points ->
        [none] Danke, dass du uns weiterempfiehlst.
       *[other] Danke, dass du uns weiterempfiehlst. Dein Bonus: { some-points }.
    }{ and-code }

## Digests: one notification for several of a type

achievement_reward-digest =
    .title = { $count ->
        [one] Erfolg freigeschaltet!
       *[other] { $count } Erfolge freigeschaltet!
    }
    .body = Das war nicht ohne. Gut gemacht!{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { $count ->
            [one] Du hast Punkte gesammelt!
           *[other] Du hast { $count }-mal Punkte gesammelt!
        }
       *[other] Du hast { some-points } gesammelt!
    }
    .body = { $points ->
        [none] Klasse! Dein Punktestand ist aktualisiert.
       *[other] { $count ->
            [one] Klasse! Eine Belohnung wurde dir gutgeschrieben.
           *[other] Klasse! { $count } Belohnungen wurden dir gutgeschrieben.
        }
    }

challenge_completion-digest =
    .title = { $count ->
        [one] Challenge geschafft!
       *[other] { $count } Challenges geschafft!
    }
    .body = { $points ->
        [none] Stark! Genieß den Moment.
       *[other] Stark! Deine Belohnung: { some-points }.
    }

bonus_opportunity-digest =
    .title = { $count ->
        [one] Ein Bonus wartet auf dich
       *[other] { $count } Boni warten auf dich
    }
    .body = { $points ->
        [none] { $count ->
            [one] Greif zu, solange der Bonus läuft!
           *[other] Greif zu, solange sie laufen!
        }
       *[other] { $count ->
            [one] Er bringt dir { some-points }. Greif zu, solange er läuft!
           *[other] Zusammen bringen sie dir { some-points }. Greif zu, solange sie laufen!
        }
    }

streak_reward-digest =
    .title = { $count ->
        [one] Eine Belohnung für deine Serie!
       *[other] { $count } Belohnungen für deine Serie!
    }
    .body = { $points ->
        [none] Schau morgen wieder vorbei, damit deine Serie nicht abreißt.
       *[other] Du bekommst { some-points }. Schau morgen wieder vorbei, damit deine Serie nicht abreißt.
    }

referral_bonus-digest =
    .title = { $count ->
        [one] Dank dir ist jemand Neues dabei!
       *[other] Dank dir sind { $count } Neue dabei!
    }
    .body = { $points ->
        [none] Danke, dass du uns weiterempfiehlst.
       *[other] Danke, dass du uns weiterempfiehlst. Dein Bonus: { some-points }.
    }
