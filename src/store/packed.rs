//! Long texts that are seldom read, in less room: what an act answers is up to thirty kilobytes of JSON that repeats
//! itself, and would be half of all that its commit writes.
//!
//! LZ4 as Base64 behind a mark, so that the column is a text on both databases, and what was written before it was
//! packed is read as it stands. Called by `idempotency` alone.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use lz4_flex::block::{compress_prepend_size, decompress_size_prepended};

use super::StoreError;

/// What a packed text begins with; no JSON does.
const MARK: &str = "lz4:";
/// A shorter text, in bytes, would save no page.
const WORTH_PACKING: usize = 1024;

/// The form in which a text is kept.
pub(super) fn packed(text: &str) -> Cow<'_, str> {
    if text.len() < WORTH_PACKING && !text.starts_with(MARK) {
        return Cow::Borrowed(text);
    }
    let packed = compress_prepend_size(text.as_bytes());
    let mut kept = String::with_capacity(MARK.len() + packed.len().div_ceil(3) * 4);
    kept.push_str(MARK);
    STANDARD_NO_PAD.encode_string(packed, &mut kept);
    Cow::Owned(kept)
}

/// The text that is kept in such a form.
pub(super) fn unpacked(kept: String) -> Result<String, StoreError> {
    let Some(written) = kept.strip_prefix(MARK) else {
        return Ok(kept);
    };
    STANDARD_NO_PAD
        .decode(written)
        .ok()
        .and_then(|packed| decompress_size_prepended(&packed).ok())
        .and_then(|text| String::from_utf8(text).ok())
        .ok_or_else(|| StoreError::Bug("a packed text cannot be read".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_text_takes_up_less_room() {
        let text = r#"{"kind":"advice","bearer":"health"},"#.repeat(700);
        assert!(packed(&text).len() * 10 < text.len());
    }

    #[test]
    fn a_damaged_text_is_a_fault() {
        let kept = packed(&"{}".repeat(700)).into_owned();
        for damaged in ["lz4:", "lz4:!", &kept[..kept.len() - 3], &format!("{kept}AAAA")] {
            assert!(unpacked(damaged.to_owned()).is_err(), "{damaged}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_as_it_was_written(text in "\\PC*", times in 1_usize..400, begins_with_mark: bool) {
            let mark = if begins_with_mark { MARK } else { "" };
            let text = format!("{mark}{}", text.repeat(times));
            prop_assert_eq!(unpacked(packed(&text).into_owned()), Ok(text));
        }
    }
}
