### الإشعارات بالعربية. بلا أفعال أمر، فهي وحدها تُظهر جنس القارئ في الكتابة.
### What a message can say, and how to write it, stands at the top of en.ftl.
###
### Digits are those of the reader's region (CLDR): ١٢٣ in ar-EG, 123 in ar-MA, and in ar where no region is known.
### Each title begins with an Arabic letter or a number, so that phones set it from right to left.
### PLURAL, since 103 is counted as 3 and 111 as 11, which a plain choice by the number does not know.
### What is inserted within a text is isolated; a choice, too, so it stands in a message of its own.

## Shared by the messages below; each stands where its argument is known to be there.

# After a verb or a preposition.
some-points = { PLURAL($points) ->
        [zero] { $points } نقطة
        [one] نقطة واحدة
        [two] نقطتين
        [few] { $points } نقاط
        [many] { $points } نقطة
       *[other] { $points } نقطة
    }

total-points = { $total ->
        [none] عمل رائع! تم تحديث رصيدك.
       *[other] { PLURAL($total) ->
            [zero] عمل رائع! رصيدك الآن { $total } نقطة.
            [one] عمل رائع! رصيدك الآن نقطة واحدة.
            [two] عمل رائع! رصيدك الآن نقطتان.
            [few] عمل رائع! رصيدك الآن { $total } نقاط.
            [many] عمل رائع! رصيدك الآن { $total } نقطة.
           *[other] عمل رائع! رصيدك الآن { $total } نقطة.
        }
    }

badge-or-not = { $badge ->
        [none] لم يكن الأمر سهلًا. أحسنت!
       *[other] أحسنت! شارة «{ $badge }» أصبحت لك.
    }

reward-or-not = { $points ->
        [none] لقد نجحت! هذه اللحظة لك.
       *[other] لقد نجحت! ربحت { some-points }.
    }

bonus-or-not = { $points ->
        [none] شكرًا لأنك أخبرت الآخرين عنا.
       *[other] شكرًا لأنك أخبرت الآخرين عنا. لك مكافأة من { some-points }.
    }

days-to-go = { $milestone ->
        [none] نراك غدًا لتستمر السلسلة.
       *[other] { $days_left ->
            [none] استمرار رائع! محطتك القادمة هي اليوم { $milestone }.
           *[other] { PLURAL($days_left) ->
                [zero] بقي { $days_left } يوم على محطتك القادمة: اليوم { $milestone }.
                [one] بقي يوم واحد على محطتك القادمة: اليوم { $milestone }.
                [two] بقي يومان على محطتك القادمة: اليوم { $milestone }.
                [few] بقيت { $days_left } أيام على محطتك القادمة: اليوم { $milestone }.
                [many] بقي { $days_left } يومًا على محطتك القادمة: اليوم { $milestone }.
               *[other] بقي { $days_left } يوم على محطتك القادمة: اليوم { $milestone }.
            }
        }
    }

and-points = { $points ->
        [none] { "" }
       *[other] { " " }وحصلت أيضًا على { some-points }.
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] { " " }وشارة «{ $badge }» أصبحت لك.
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] { " " }الجديد لك: { $feature }.
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] { " " }رمز الخصم الخاص بك: { $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] { " " }الهدف التالي: شارة «{ $next_badge }».
           *[other] { " " }لم يبقَ سوى { $badge_left } للوصول إلى شارة «{ $next_badge }».
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] إنجاز جديد!
           *[other] شارة جديدة: { $badge }
        }
       *[other] إنجاز جديد: { $achievement }
    }
    .body = { badge-or-not }{ and-points }{ and-feature }{ and-code }

point_earning =
    .title = { $points ->
        [none] وصلتك نقاط جديدة!
       *[other] حصلت على { some-points }!
    }
    .body = { total-points }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] اكتمل التحدي!
       *[other] اكتمل التحدي: { $challenge }
    }
    .body = { reward-or-not }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] مكافأة بانتظارك
           *[other] مكافأة من { some-points } بانتظارك
        }
       *[other] مكافأة بنسبة { $percent } بالمئة بانتظارك
    }
    .body = العرض لفترة محدودة، فلا يفوتك!{ and-code }

streak_reward =
    .title = { $streak ->
        [none] سلسلتك مستمرة!
       *[other] { PLURAL($streak) ->
            [zero] { $streak } يوم متتالٍ!
            [one] يوم واحد: بدأت سلسلتك!
            [two] يومان متتاليان!
            [few] { $streak } أيام متتالية!
            [many] { $streak } يومًا متتاليًا!
           *[other] { $streak } يوم متتالٍ!
        }
    }
    .body = { days-to-go }{ and-points }{ and-badge }

# Whoever has joined is of either gender: no verb that shows one.
referral_bonus =
    .title = { $friend ->
        [none] وجه جديد بيننا بفضلك!
       *[other] بفضلك، { $friend } معنا الآن!
    }
    .body = { bonus-or-not }{ and-code }

## Digests: one notification for several of a type

achievement_reward-digest =
    .title = { PLURAL($count) ->
        [zero] { $count } إنجاز جديد!
        [one] إنجاز جديد!
        [two] إنجازان جديدان!
        [few] { $count } إنجازات جديدة!
        [many] { $count } إنجازًا جديدًا!
       *[other] { $count } إنجاز جديد!
    }
    .body = لم يكن الأمر سهلًا. أحسنت!{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { PLURAL($count) ->
            [zero] وصلتك نقاط جديدة { $count } مرة!
            [one] وصلتك نقاط جديدة!
            [two] وصلتك نقاط جديدة مرتين!
            [few] وصلتك نقاط جديدة { $count } مرات!
            [many] وصلتك نقاط جديدة { $count } مرة!
           *[other] وصلتك نقاط جديدة { $count } مرة!
        }
       *[other] حصلت على { some-points }!
    }
    .body = { $points ->
        [none] عمل رائع! تم تحديث رصيدك.
       *[other] { PLURAL($count) ->
            [zero] عمل رائع! أضيفت { $count } مكافأة إلى رصيدك.
            [one] عمل رائع! أضيفت مكافأة واحدة إلى رصيدك.
            [two] عمل رائع! أضيفت مكافأتان إلى رصيدك.
            [few] عمل رائع! أضيفت { $count } مكافآت إلى رصيدك.
            [many] عمل رائع! أضيفت { $count } مكافأة إلى رصيدك.
           *[other] عمل رائع! أضيفت { $count } مكافأة إلى رصيدك.
        }
    }

challenge_completion-digest =
    .title = { PLURAL($count) ->
        [zero] اكتمل { $count } تحدٍّ!
        [one] اكتمل التحدي!
        [two] اكتمل تحديان!
        [few] اكتملت { $count } تحديات!
        [many] اكتمل { $count } تحديًا!
       *[other] اكتمل { $count } تحدٍّ!
    }
    .body = { reward-or-not }

# The opportunity is one, however many bonuses there are.
bonus_opportunity-digest =
    .title = { PLURAL($count) ->
        [zero] { $count } مكافأة بانتظارك
        [one] مكافأة بانتظارك
        [two] مكافأتان بانتظارك
        [few] { $count } مكافآت بانتظارك
        [many] { $count } مكافأة بانتظارك
       *[other] { $count } مكافأة بانتظارك
    }
    .body = { $points ->
        [none] الفرصة لفترة محدودة، فلا تفوتك!
       *[other] فرصة لربح { some-points } لفترة محدودة، فلا تفوتك!
    }

streak_reward-digest =
    .title = { PLURAL($count) ->
        [zero] { $count } مكافأة على استمرار سلسلتك!
        [one] مكافأة على استمرار سلسلتك!
        [two] مكافأتان على استمرار سلسلتك!
        [few] { $count } مكافآت على استمرار سلسلتك!
        [many] { $count } مكافأة على استمرار سلسلتك!
       *[other] { $count } مكافأة على استمرار سلسلتك!
    }
    .body = { $points ->
        [none] نراك غدًا لتستمر السلسلة.
       *[other] ربحت { some-points }. نراك غدًا لتستمر السلسلة.
    }

referral_bonus-digest =
    .title = { PLURAL($count) ->
        [zero] { $count } وجه جديد بيننا بفضلك!
        [one] وجه جديد بيننا بفضلك!
        [two] وجهان جديدان بيننا بفضلك!
        [few] { $count } وجوه جديدة بيننا بفضلك!
        [many] { $count } وجهًا جديدًا بيننا بفضلك!
       *[other] { $count } وجه جديد بيننا بفضلك!
    }
    .body = { bonus-or-not }
