### The words of the notifications, in English. Fluent syntax: https://projectfluent.org/fluent/guide/
###
### Each incentive type is a message with a .title (one line, at most 255 characters) and a .body.
### What a message can say:
###
###   $points       number  points that were earned                  every type
###   $total        number  points that the user has now             point_earning
###   $next_badge   text    the badge that the user is working on    point_earning
###   $badge_left   number  what is still to do for that badge       point_earning
###   $achievement  text    name of the achievement                  achievement_reward
###   $badge        text    name of the badge that was unlocked      achievement_reward, challenge_completion, streak_reward
###   $feature      text    name of a feature that was unlocked      achievement_reward, challenge_completion
###   $code         text    a discount code                          every type but point_earning, streak_reward
###   $challenge    text    name of the challenge                    challenge_completion
###   $percent      number  percentage of the bonus                  bonus_opportunity
###   $streak       number  days in a row                            streak_reward
###   $milestone    number  day of the next milestone                streak_reward
###   $days_left    number  days until then                          streak_reward
###   $friend       text    name of the user who joined              referral_bonus
###   $count        number  how many were gathered, never `none`     every digest, which has $points for all of them and no other
###
### An event may lack any other: the argument then is `none`. So print an argument only within
### a variant of `{ $points -> [none] … *[other] … }`, where it can't be `none`. This is checked at start,
### in every message and all that it refers to. `{ "" }` is an empty text, `{ " " }` a space at a start.
###
### A message can have other wordings: `streak_reward--short`, with both parts, is one of `streak_reward`, named `short`;
### `.body = { streak_reward.body }` takes a part over. Each reader gets one of them, always the same (src/localize/variant.rs).
###
### A type can have a digest, `streak_reward-digest`, with both parts and in one wording: what several notifications of the type
### become where they are gathered into one. A catalogue may leave it out; its readers then get each notification by itself.
###
### `{ $points -> [one] … }` chooses by plural category, `{ PLURAL($points) -> [few] … }` by the CLDR's rules in full: Arabic
### needs it. `inq catalogue check` says what is wrong, `inq catalogue diff LANG` what is missing or too long.
###
### Numbers are written as the reader's region writes them. Names, codes and other texts come from
### events and can be anything: quote them, and don't inflect them.

## Shared by the messages below; each stands where its argument is known to be there.

some-points = { $points ->
        [one] { $points } point
       *[other] { $points } points
    }

and-points = { $points ->
        [none] { "" }
       *[other] { " " }You also get { some-points }.
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] { " " }And the “{ $badge }” badge is yours.
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] { " " }New for you: { $feature }.
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] { " " }Your discount code: { $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] { " " }Next up: the “{ $next_badge }” badge.
           *[other] { " " }Only { $badge_left } more to go for the “{ $next_badge }” badge.
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] You unlocked an achievement!
           *[other] New badge: { $badge }
        }
       *[other] Achievement unlocked: { $achievement }
    }
    .body = { $badge ->
        [none] That took some doing. Well done!
       *[other] Well done! The “{ $badge }” badge is yours.
    }{ and-points }{ and-feature }{ and-code }

point_earning =
    .title = { $points ->
        [none] You earned points!
       *[other] You earned { some-points }!
    }
    .body = { $total ->
        [none] Nice work! Your balance is up to date.
        [one] Nice work! You now have { $total } point.
       *[other] Nice work! You now have { $total } points.
    }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] Challenge complete!
       *[other] Challenge complete: { $challenge }
    }
    .body = { $points ->
        [none] You did it! Take a moment to enjoy it.
       *[other] You did it! Your reward: { some-points }.
    }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] A bonus is waiting for you
           *[other] A bonus of { some-points } is waiting for you
        }
       *[other] A { $percent }% bonus is waiting for you
    }
    .body = It won’t be around forever: come and get it while it lasts.{ and-code }

streak_reward =
    .title = { $streak ->
        [none] You’re keeping your streak alive!
        [one] { $streak } day: your streak has begun!
       *[other] { $streak } days in a row!
    }
    .body = { $milestone ->
        [none] Come back tomorrow to keep it going.
       *[other] { $days_left ->
            [none] Keep it up: your next milestone is day { $milestone }.
            [one] Just { $days_left } more day until day { $milestone }, your next milestone.
           *[other] Just { $days_left } more days until day { $milestone }, your next milestone.
        }
    }{ and-points }{ and-badge }

referral_bonus =
    .title = { $friend ->
        [none] A friend has joined thanks to you!
       *[other] { $friend } has joined thanks to you!
    }
    .body = { $points ->
        [none] Thanks for spreading the word.
       *[other] Thanks for spreading the word. Your bonus: { some-points }.
    }{ and-code }

## Digests: one notification for several of a type

achievement_reward-digest =
    .title = { $count ->
        [one] You unlocked an achievement!
       *[other] You unlocked { $count } achievements!
    }
    .body = That took some doing. Well done!{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { $count ->
            [one] You earned points!
           *[other] You earned points { $count } times!
        }
       *[other] You earned { some-points }!
    }
    .body = { $points ->
        [none] Nice work! Your balance is up to date.
       *[other] { $count ->
            [one] Nice work! A reward was added to your balance.
           *[other] Nice work! { $count } rewards were added to your balance.
        }
    }

challenge_completion-digest =
    .title = { $count ->
        [one] Challenge complete!
       *[other] { $count } challenges complete!
    }
    .body = { $points ->
        [none] You did it! Take a moment to enjoy it.
       *[other] You did it! Your reward: { some-points }.
    }

bonus_opportunity-digest =
    .title = { $count ->
        [one] A bonus is waiting for you
       *[other] { $count } bonuses are waiting for you
    }
    .body = { $points ->
        [none] { $count ->
            [one] It won’t be around forever: come and get it while it lasts.
           *[other] They won’t be around forever: come and get them while they last.
        }
       *[other] { $count ->
            [one] It’s worth { some-points }: come and get it while it lasts.
           *[other] Together they’re worth { some-points }: come and get them while they last.
        }
    }

streak_reward-digest =
    .title = { $count ->
        [one] A reward for your streak!
       *[other] { $count } rewards for your streak!
    }
    .body = { $points ->
        [none] Come back tomorrow to keep it going.
       *[other] You earned { some-points }. Come back tomorrow to keep your streak going.
    }

referral_bonus-digest =
    .title = { $count ->
        [one] A friend has joined thanks to you!
       *[other] { $count } friends have joined thanks to you!
    }
    .body = { $points ->
        [none] Thanks for spreading the word.
       *[other] Thanks for spreading the word. Your bonus: { some-points }.
    }
