### As notificações em português do Brasil (você).
### What a message can say, and how to write it, stands at the top of en.ftl.

## Shared by the messages below; each stands where its argument is known to be there.

# "1.000.000 de pontos": round millions take "de".
some-points = { $points ->
        [one] { $points } ponto
        [1000000] { $points } de pontos
       *[other] { $points } pontos
    }

and-points = { $points ->
        [none] { "" }
       *[other] { " " }Você também ganha { some-points }.
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] { " " }E o selo “{ $badge }” é seu.
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] { " " }Novidade para você: { $feature }.
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] { " " }Seu código de desconto: { $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] { " " }Próximo passo: o selo “{ $next_badge }”.
            [one] { " " }Só falta { $badge_left } para o selo “{ $next_badge }”.
           *[other] { " " }Só faltam { $badge_left } para o selo “{ $next_badge }”.
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] Você desbloqueou uma conquista!
           *[other] Novo selo: { $badge }
        }
       *[other] Conquista desbloqueada: { $achievement }
    }
    .body = { $badge ->
        [none] Não foi fácil, mas você conseguiu. Parabéns!
       *[other] Parabéns! O selo “{ $badge }” é seu.
    }{ and-points }{ and-feature }{ and-code }

point_earning =
    .title = { $points ->
        [none] Você ganhou pontos!
       *[other] Você ganhou { some-points }!
    }
    .body = { $total ->
        [none] Mandou bem! Seu saldo já está atualizado.
        [one] Mandou bem! Agora você tem { $total } ponto.
        [1000000] Mandou bem! Agora você tem { $total } de pontos.
       *[other] Mandou bem! Agora você tem { $total } pontos.
    }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] Desafio concluído!
       *[other] Desafio concluído: { $challenge }
    }
    .body = { $points ->
        [none] Você conseguiu! Aproveite o momento.
       *[other] Você conseguiu! Sua recompensa: { some-points }.
    }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] Tem um bônus esperando por você
           *[other] Tem um bônus de { some-points } esperando por você
        }
       *[other] Tem um bônus de { $percent }% esperando por você
    }
    .body = Não vai durar para sempre: aproveite enquanto é tempo.{ and-code }

streak_reward =
    .title = { $streak ->
        [none] Sua sequência continua!
        [1] { $streak } dia: sua sequência começou!
        [one] { $streak } dia seguido!
       *[other] { $streak } dias seguidos!
    }
    .body = { $milestone ->
        [none] Volte amanhã para não perder o ritmo.
       *[other] { $days_left ->
            [none] Continue assim: sua próxima meta é o dia { $milestone }.
            [one] Só falta { $days_left } dia para sua próxima meta, o dia { $milestone }.
           *[other] Só faltam { $days_left } dias para sua próxima meta, o dia { $milestone }.
        }
    }{ and-points }{ and-badge }

referral_bonus =
    .title = { $friend ->
        [none] Alguém entrou por indicação sua!
       *[other] { $friend } entrou por indicação sua!
    }
    .body = { $points ->
        [none] Agradecemos a indicação.
       *[other] Agradecemos a indicação. Seu bônus: { some-points }.
    }{ and-code }

## Digests: one notification for several of a type

achievement_reward-digest =
    .title = { $count ->
        [one] Você desbloqueou uma conquista!
       *[other] Você desbloqueou { $count } conquistas!
    }
    .body = Não foi fácil, mas você conseguiu. Parabéns!{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { $count ->
            [one] Você ganhou pontos!
           *[other] Você ganhou pontos { $count } vezes!
        }
       *[other] Você ganhou { some-points }!
    }
    .body = { $points ->
        [none] Mandou bem! Seu saldo já está atualizado.
       *[other] { $count ->
            [one] Mandou bem! Uma recompensa entrou no seu saldo.
           *[other] Mandou bem! { $count } recompensas entraram no seu saldo.
        }
    }

challenge_completion-digest =
    .title = { $count ->
        [one] Desafio concluído!
       *[other] { $count } desafios concluídos!
    }
    .body = { $points ->
        [none] Você conseguiu! Aproveite o momento.
       *[other] Você conseguiu! Sua recompensa: { some-points }.
    }

bonus_opportunity-digest =
    .title = { $count ->
        [one] Tem um bônus esperando por você
       *[other] Tem { $count } bônus esperando por você
    }
    .body = { $points ->
        [none] { $count ->
            [one] Não vai durar para sempre: aproveite enquanto é tempo.
           *[other] Não vão durar para sempre: aproveite enquanto é tempo.
        }
       *[other] { $count ->
            [one] Ele vale { some-points }: aproveite enquanto é tempo.
           *[other] Juntos, eles valem { some-points }: aproveite enquanto é tempo.
        }
    }

streak_reward-digest =
    .title = { $count ->
        [one] Uma recompensa pela sua sequência!
       *[other] { $count } recompensas pela sua sequência!
    }
    .body = { $points ->
        [none] Volte amanhã para não perder o ritmo.
       *[other] Você ganhou { some-points }. Volte amanhã para não perder o ritmo.
    }

referral_bonus-digest =
    .title = { $count ->
        [one] Alguém entrou por indicação sua!
       *[other] { $count } pessoas entraram por indicação sua!
    }
    .body = { $points ->
        [none] { $count ->
            [one] Agradecemos a indicação.
           *[other] Agradecemos as indicações.
        }
       *[other] { $count ->
            [one] Agradecemos a indicação. Seu bônus: { some-points }.
           *[other] Agradecemos as indicações. Seu bônus: { some-points }.
        }
    }
