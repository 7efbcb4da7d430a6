//! Characters that a name must not have and a terminal must not get, and numbers of axes as they
//! are written.

use std::borrow::Cow;

/// Writes what may differ along (z, x, y): once where it does not.
pub fn of_axes(values: [f64; 3]) -> String {
    match values {
        [z, x, y] if z == x && z == y => z.to_string(),
        [z, x, y] => format!("{z} x {x} x {y}"),
    }
}

/// Reads what [`of_axes`] writes at the start of a text, where it is finite and above 0.
pub fn parse_of_axes(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_whitespace();
    let mut number = || {
        let number = words.next()?.parse::<f64>().ok()?;
        let more = words.next() == Some("x");
        (number.is_finite() && number > 0.0).then_some((number, more))
    };
    let (z, more) = number()?;
    if !more {
        return Some([z; 3]);
    }
    Some([z, number()?.0, number()?.0])
}

/// Whether a character is none that can be seen, or changes how those around it are shown: control
/// and format characters, separators of lines and paragraphs, and what Unicode lets a program
/// ignore (general categories Cc, Cf, Zl and Zp, and Default_Ignorable_Code_Point of Unicode 16).
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{00ad}'
                | '\u{034f}'
                | '\u{0600}'..='\u{0605}'
                | '\u{061c}'
                | '\u{06dd}'
                | '\u{070f}'
                | '\u{0890}'..='\u{0891}'
                | '\u{08e2}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A text for a terminal: what is not seen of it, but for the ends of lines and tabs, is spelled
/// out.
pub fn shown(text: &str) -> Cow<'_, str> {
    let spelled = |c: char| is_unseen(c) && !matches!(c, '\n' | '\t');
    if !text.contains(spelled) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match spelled(character) {
            true => shown.extend(character.escape_unicode()),
            false => shown.push(character),
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::{is_unseen, of_axes, parse_of_axes, shown};

    #[test]
    fn a_terminal_gets_only_what_can_be_seen() {
        assert_eq!(shown("é\t中\n"), "é\t中\n");
        assert_eq!(
            shown("a\u{1b}[2J\u{202e}b\r"),
            "a\\u{1b}[2J\\u{202e}b\\u{d}"
        );
    }

    #[test]
    fn what_is_written_of_axes_is_read() {
        for (values, text) in [
            ([4.5; 3], "4.5"),
            ([4.0, 4.5, 5.0], "4 x 4.5 x 5"),
            ([4.0, 4.5, 4.5], "4 x 4.5 x 4.5"),
        ] {
            assert_eq!(of_axes(values), text);
            assert_eq!(parse_of_axes(&format!("{text}\nmore")), Some(values));
        }
        for wrong in ["", "x", "0", "4 x", "4 x 5", "-1", "nan"] {
            assert_eq!(parse_of_axes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_turns_or_hides_text_is_unseen() {
        for unseen in [
            '\n',
            '\u{202e}',
            '\u{2028}',
            '\u{200b}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert!(is_unseen(unseen), "{unseen:?}");
        }
        for seen in "aß µ中 é\u{301}-_.()+אع".chars() {
            assert!(!is_unseen(seen), "{seen:?}");
        }
    }
}
