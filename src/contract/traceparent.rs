//! The W3C `traceparent` header, which carries a trace from the event's producer to the delivery request.

/// The longest value that is carried on, in bytes.
const LONGEST: usize = 64;

/// The header's value if it is well-formed, else `None`: whoever sends a broken one loses the trace, not the event.
///
/// Well-formed is `version-traceid-parentid-flags` in lower-case hexadecimal, the version not `ff`, neither id all
/// zero, at most 64 bytes. Version `00` ends there; a later one may go on after another `-`.
#[must_use]
pub fn traceparent(value: &[u8]) -> Option<&str> {
    let text = str::from_utf8(value).ok().filter(|text| text.len() <= LONGEST)?;
    let mut parts = text.splitn(5, '-');
    let version = hex(parts.next()?, 2)?;
    let _trace = hex(parts.next()?, 32).filter(|id| !all_zero(id))?;
    let _parent = hex(parts.next()?, 16).filter(|id| !all_zero(id))?;
    let _flags = hex(parts.next()?, 2)?;
    let ends_well = match parts.next() {
        None => true,
        Some(more) => version != "00" && more.bytes().all(|byte| byte.is_ascii_graphic()),
    };
    (version != "ff" && ends_well).then_some(text)
}

fn hex(part: &str, digits: usize) -> Option<&str> {
    let is_hex = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (part.len() == digits && is_hex).then_some(part)
}

fn all_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::traceparent;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_standard_passes() {
        assert_eq!(traceparent(GOOD.as_bytes()), Some(GOOD));
    }

    #[test]
    fn a_later_version_may_say_more() {
        let later = GOOD.replacen("00", "01", 1) + "-more";
        assert_eq!(traceparent(later.as_bytes()), Some(later.as_str()));
    }

    #[test]
    fn what_is_malformed_is_ignored() {
        let zero_trace = GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let zero_parent = GOOD.replace("00f067aa0ba902b7", &"0".repeat(16));
        let too_long = GOOD.replacen("00", "01", 1) + "-123456789";
        let bad = [
            "",
            "00",
            &GOOD.to_uppercase(),
            &GOOD.replacen("00", "ff", 1),
            &format!("{GOOD}-more"),
            &format!(" {GOOD}"),
            &GOOD[1..],
            &zero_trace,
            &zero_parent,
            &too_long,
        ];
        for value in bad {
            assert_eq!(traceparent(value.as_bytes()), None, "{value}");
        }
        assert_eq!(traceparent(&[0xff; 55]), None);
    }
}
