//! Numbers as a language writes them: 12,345 or 12.345 or 12 345, by ICU4X and the CLDR's data.

use fluent_bundle::FluentValue;
use fluent_bundle::types::FluentNumber;
use icu_decimal::input::Decimal;
use icu_decimal::options::{DecimalFormatterOptions, GroupingStrategy};
use icu_decimal::{DecimalFormatter, DecimalFormatterPreferences};
use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralOperands, PluralRules};
use intl_memoizer::Memoizable;
use intl_memoizer::concurrent::IntlLangMemoizer;
use unic_langid::LanguageIdentifier;

pub(super) use crate::contract::LARGEST;

/// How one language writes numbers.
struct Numbers {
    grouped: DecimalFormatter,
    plain: DecimalFormatter,
}

impl Numbers {
    fn of(language: &LanguageIdentifier) -> Option<Self> {
        Some(Self {
            grouped: formatter(language, GroupingStrategy::Auto)?,
            plain: formatter(language, GroupingStrategy::Never)?,
        })
    }

    fn write(&self, number: &FluentNumber) -> Option<String> {
        let mut decimal = decimal(number.value)?;
        let options = &number.options;
        if let Some(digits) = options.maximum_fraction_digits {
            decimal.round(-i16::try_from(digits).ok()?);
            decimal.absolute.trim_end();
        }
        if let Some(digits) = options.minimum_fraction_digits {
            decimal.absolute.pad_end(-i16::try_from(digits).ok()?);
        }
        let formatter = if options.use_grouping {
            &self.grouped
        } else {
            &self.plain
        };
        Some(formatter.format_to_string(&decimal))
    }
}

fn formatter(language: &LanguageIdentifier, grouping: GroupingStrategy) -> Option<DecimalFormatter> {
    let locale: Locale = language.to_string().parse().ok()?;
    let preferences = DecimalFormatterPreferences::from(&locale);
    DecimalFormatter::try_new(preferences, DecimalFormatterOptions::from(grouping)).ok()
}

impl Memoizable for Numbers {
    type Args = ();
    type Error = ();

    fn construct(language: LanguageIdentifier, (): ()) -> Result<Self, ()> {
        Self::of(&language).ok_or(())
    }
}

/// What a bundle asks of every value that it writes: `None` leaves it as it is (texts, and numbers
/// that are none, such as infinity).
pub fn write(value: &FluentValue, memoizer: &IntlLangMemoizer) -> Option<String> {
    let FluentValue::Number(number) = value else {
        return None;
    };
    memoizer
        .with_try_get::<Numbers, _, _>((), |numbers| numbers.write(number))
        .ok()?
}

/// The plural rules of a language, as the function `PLURAL` of its messages. `{ $points -> [few] … }` goes by the rules of
/// Fluent's library, which are right for most languages; for Arabic they forget that 103 is counted as 3.
pub fn plural(language: &LanguageIdentifier) -> impl Fn(&[FluentValue]) -> FluentValue<'static> + use<> {
    let locale: Option<Locale> = language.to_string().parse().ok();
    let rules = locale.and_then(|locale| PluralRules::try_new_cardinal((&locale).into()).ok());
    move |values| {
        let number = match values {
            [FluentValue::Number(number)] => decimal(number.value),
            _ => None,
        };
        match (&rules, number) {
            (Some(rules), Some(number)) => name(rules.category_for(PluralOperands::from(&number))).into(),
            _ => FluentValue::Error,
        }
    }
}

const fn name(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

/// How a language writes numbers, as texts that are equal for two languages that write them alike.
#[must_use]
pub fn habit(language: &LanguageIdentifier) -> Option<[String; 2]> {
    let formatter = formatter(language, GroupingStrategy::Auto)?;
    // Four digits: some languages group only from five on.
    let samples = [decimal(-1_234_567.5)?, decimal(1234.0)?];
    Some(samples.map(|sample| formatter.format_to_string(&sample)))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a whole number within LARGEST is exact as i64"
)]
fn decimal(value: f64) -> Option<Decimal> {
    if value.abs() <= LARGEST && value.fract() == 0.0 {
        Some(Decimal::from(value as i64))
    } else {
        value
            .is_finite()
            .then(|| Decimal::try_from_str(&value.to_string()).ok())
            .flatten()
    }
}
