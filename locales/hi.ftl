### हिन्दी में सूचनाएँ (आप)।
### What a message can say, and how to write it, stands at the top of en.ftl.

## Shared by the messages below; each stands where its argument is known to be there.

some-points = { $points } पॉइंट

and-points = { $points ->
        [none] { "" }
       *[other] { " " }साथ में { some-points } भी।
    }

and-badge = { $badge ->
        [none] { "" }
       *[other] { " " }और “{ $badge }” बैज अब आपका है।
    }

and-feature = { $feature ->
        [none] { "" }
       *[other] { " " }आपके लिए नया: { $feature }।
    }

# Stands last, without a full stop: people copy codes.
and-code = { $code ->
        [none] { "" }
       *[other] { " " }आपका डिस्काउंट कोड: { $code }
    }

and-next-badge = { $next_badge ->
        [none] { "" }
       *[other] { $badge_left ->
            [none] { " " }अगला लक्ष्य: “{ $next_badge }” बैज।
           *[other] { " " }“{ $next_badge }” बैज तक बस { $badge_left } और।
        }
    }

## The six incentive types

achievement_reward =
    .title = { $achievement ->
        [none] { $badge ->
            [none] आपने एक उपलब्धि हासिल की!
           *[other] नया बैज: { $badge }
        }
       *[other] नई उपलब्धि: { $achievement }
    }
    .body = { $badge ->
        [none] यह आसान नहीं था। बहुत बढ़िया!
       *[other] बहुत बढ़िया! “{ $badge }” बैज अब आपका है।
    }{ and-points }{ and-feature }{ and-code }

# "one" is everything from 0 to 1.
point_earning =
    .title = { $points ->
        [none] आपको पॉइंट मिले!
        [one] आपको { some-points } मिला!
       *[other] आपको { some-points } मिले!
    }
    .body = { $total ->
        [none] शानदार! आपका बैलेंस अपडेट हो गया है।
        [one] शानदार! अब आपके पास { $total } पॉइंट है।
       *[other] शानदार! अब आपके पास { $total } पॉइंट हैं।
    }{ and-next-badge }

challenge_completion =
    .title = { $challenge ->
        [none] चैलेंज पूरा!
       *[other] चैलेंज पूरा: { $challenge }
    }
    .body = { $points ->
        [none] आपने कर दिखाया! इस पल का आनंद लें।
       *[other] आपने कर दिखाया! आपका इनाम: { some-points }।
    }{ and-badge }{ and-feature }{ and-code }

bonus_opportunity =
    .title = { $percent ->
        [none] { $points ->
            [none] एक बोनस आपका इंतज़ार कर रहा है
           *[other] { some-points } का बोनस आपका इंतज़ार कर रहा है
        }
       *[other] { $percent }% बोनस आपका इंतज़ार कर रहा है
    }
    .body = यह ऑफ़र हमेशा नहीं रहेगा: अभी फ़ायदा उठाएँ।{ and-code }

streak_reward =
    .title = { $streak ->
        [none] आपकी स्ट्रीक जारी है!
        [1] { $streak } दिन: आपकी स्ट्रीक शुरू हो गई!
       *[other] लगातार { $streak } दिन!
    }
    .body = { $milestone ->
        [none] स्ट्रीक जारी रखने के लिए कल फिर आएँ।
       *[other] { $days_left ->
            [none] ऐसे ही चलते रहें: आपका अगला पड़ाव दिन { $milestone } है।
           *[other] आपके अगले पड़ाव, दिन { $milestone }, तक बस { $days_left } दिन और।
        }
    }{ and-points }{ and-badge }

# Whoever has joined is of either gender: no verb that shows one.
referral_bonus =
    .title = { $friend ->
        [none] एक नया साथी, आपकी बदौलत!
       *[other] { $friend } अब हमारे साथ, आपकी बदौलत!
    }
    .body = { $points ->
        [none] हमारे बारे में बताने के लिए शुक्रिया।
       *[other] हमारे बारे में बताने के लिए शुक्रिया। आपका बोनस: { some-points }।
    }{ and-code }

## Digests: one notification for several of a type

achievement_reward-digest =
    .title = { $count ->
        [one] आपने एक उपलब्धि हासिल की!
       *[other] आपने { $count } उपलब्धियाँ हासिल कीं!
    }
    .body = यह आसान नहीं था। बहुत बढ़िया!{ and-points }

point_earning-digest =
    .title = { $points ->
        [none] { $count ->
            [one] आपको पॉइंट मिले!
           *[other] आपको { $count } बार पॉइंट मिले!
        }
        [one] आपको { some-points } मिला!
       *[other] आपको { some-points } मिले!
    }
    .body = { $points ->
        [none] शानदार! आपका बैलेंस अपडेट हो गया है।
       *[other] { $count ->
            [one] शानदार! एक इनाम आपके बैलेंस में जुड़ गया है।
           *[other] शानदार! { $count } इनाम आपके बैलेंस में जुड़ गए हैं।
        }
    }

challenge_completion-digest =
    .title = { $count ->
        [one] चैलेंज पूरा!
       *[other] { $count } चैलेंज पूरे!
    }
    .body = { $points ->
        [none] आपने कर दिखाया! इस पल का आनंद लें।
       *[other] आपने कर दिखाया! आपका इनाम: { some-points }।
    }

bonus_opportunity-digest =
    .title = { $count ->
        [one] एक बोनस आपका इंतज़ार कर रहा है
       *[other] { $count } बोनस आपका इंतज़ार कर रहे हैं
    }
    .body = { $points ->
        [none] { $count ->
            [one] यह ऑफ़र हमेशा नहीं रहेगा: अभी फ़ायदा उठाएँ।
           *[other] ये ऑफ़र हमेशा नहीं रहेंगे: अभी फ़ायदा उठाएँ।
        }
       *[other] { $count ->
            [one] { some-points } का बोनस। यह हमेशा नहीं रहेगा: अभी फ़ायदा उठाएँ।
           *[other] कुल { some-points } के बोनस। ये हमेशा नहीं रहेंगे: अभी फ़ायदा उठाएँ।
        }
    }

streak_reward-digest =
    .title = { $count ->
        [one] आपकी स्ट्रीक के लिए एक इनाम!
       *[other] आपकी स्ट्रीक के लिए { $count } इनाम!
    }
    .body = { $points ->
        [none] स्ट्रीक जारी रखने के लिए कल फिर आएँ।
        [one] आपको { some-points } मिला। स्ट्रीक जारी रखने के लिए कल फिर आएँ।
       *[other] आपको { some-points } मिले। स्ट्रीक जारी रखने के लिए कल फिर आएँ।
    }

referral_bonus-digest =
    .title = { $count ->
        [one] एक नया साथी, आपकी बदौलत!
       *[other] { $count } नए साथी, आपकी बदौलत!
    }
    .body = { $points ->
        [none] हमारे बारे में बताने के लिए शुक्रिया।
       *[other] हमारे बारे में बताने के लिए शुक्रिया। आपका बोनस: { some-points }।
    }
