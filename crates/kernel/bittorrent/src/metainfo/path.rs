//! Names from strangers made safe to use as paths.

use std::borrow::Cow;

/// The longest file or folder name in bytes: `NAME_MAX` of the usual file systems.
pub const MAX_COMPONENT_LEN: usize = 255;
/// The longest relative path in bytes: leaves a quarter of `PATH_MAX` (4,096) to the download folder.
pub const MAX_PATH_LEN: usize = 3_072;
/// The most folders inside one another: what libtorrent decodes of a v2 file tree.
pub const MAX_PATH_DEPTH: usize = 100;

/// What names the place can hold where content is written.
///
/// Names which are harmless on one system are kept there as they are, so that a shared folder's
/// metainfo names the very files it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathRules {
    /// Replace what Windows cannot store: `< > : " | ? *`, trailing dots and spaces, device names.
    pub windows_names: bool,
    /// Names that differ in case alone are one name.
    pub fold_case: bool,
}

impl PathRules {
    /// Linux and other systems with case-sensitive names.
    pub const UNIX: Self = Self { windows_names: false, fold_case: false };
    /// macOS as it is usually installed.
    pub const MACOS: Self = Self { windows_names: false, fold_case: true };
    /// Windows.
    pub const WINDOWS: Self = Self { windows_names: true, fold_case: true };

    /// The rules of the system this is compiled for.
    pub const fn native() -> Self {
        if cfg!(windows) {
            Self::WINDOWS
        } else if cfg!(target_vendor = "apple") {
            Self::MACOS
        } else {
            Self::UNIX
        }
    }

    /// The form under which two paths are compared.
    pub(super) fn fold<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if self.fold_case { Cow::Owned(path.to_lowercase()) } else { Cow::Borrowed(path) }
    }
}

/// A name that is safe as one path component, or `None` where nothing of it is left (empty, `.`,
/// `..`), in which case the component is to be left out.
///
/// Separators of any system, control characters and invalid UTF-8 become `_`; NUL and the marks
/// that turn the direction of text (which make `cod.exe` look like `exe.doc`) are dropped; names
/// over [`MAX_COMPONENT_LEN`] are cut before their extension.
pub fn sanitise_component(raw: &[u8], rules: PathRules) -> Option<String> {
    let mut name = cut(filter(raw, rules), MAX_COMPONENT_LEN);
    if rules.windows_names {
        name = fit_windows(&name);
        if name.len() > MAX_COMPONENT_LEN {
            // The mark before a device name was one byte too many, and a cut can bare a dot or space.
            name = trim_windows(&cut(name, MAX_COMPONENT_LEN)).to_owned();
        }
    }
    if name.is_empty() || name == "." || name == ".." {
        return None;
    }
    Some(name)
}

/// Whether anything is left of a torrent's name once the unsafe is taken out.
pub(super) fn is_blank(raw: &[u8], rules: PathRules) -> bool {
    filter(raw, rules).is_empty()
}

fn filter(raw: &[u8], rules: PathRules) -> String {
    let keep = |c: char| match c {
        '\0' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '/' | '\\' | char::REPLACEMENT_CHARACTER => Some('_'),
        '<' | '>' | ':' | '"' | '|' | '?' | '*' if rules.windows_names => Some('_'),
        c if c.is_control() => Some('_'),
        c => Some(c),
    };
    String::from_utf8_lossy(raw).chars().filter_map(keep).collect()
}

/// Windows drops dots and spaces at the end and opens devices by name, whatever the extension.
fn fit_windows(name: &str) -> String {
    let trimmed = trim_windows(name);
    let stem = trimmed.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix| {
        stem.strip_prefix(prefix)
            .is_some_and(|n: &str| matches!(n, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
    };
    let device = matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT");
    if device { format!("_{trimmed}") } else { trimmed.to_owned() }
}

fn trim_windows(name: &str) -> &str {
    name.trim_end_matches(['.', ' '])
}

/// The longest extension that is kept when a name is cut.
const MAX_KEPT_EXTENSION: usize = 16;

/// Splits before the extension, the dot with it; names that begin with their only dot have none.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= MAX_KEPT_EXTENSION => name.split_at(at),
        _ => (name, ""),
    }
}

/// Cuts a name to a length in bytes, between characters and before the extension.
fn cut(name: String, limit: usize) -> String {
    if name.len() <= limit {
        return name;
    }
    let (stem, extension) = split_extension(&name);
    let stem = floor_char_boundary(stem, limit.saturating_sub(extension.len()));
    format!("{stem}{extension}")
}

/// The longest start of a text that has at most `limit` bytes.
pub(super) fn floor_char_boundary(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// `folder/name.ext` with a number before the extension of its last component.
pub(super) fn numbered(path: &str, number: u32) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let (stem, extension) = split_extension(name);
    let suffix = format!(".{number}{extension}");
    let stem = floor_char_boundary(stem, MAX_COMPONENT_LEN.saturating_sub(suffix.len()));
    if folder.is_empty() { format!("{stem}{suffix}") } else { format!("{folder}/{stem}{suffix}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unix(raw: &[u8]) -> Option<String> {
        sanitise_component(raw, PathRules::UNIX)
    }

    fn windows(raw: &str) -> Option<String> {
        sanitise_component(raw.as_bytes(), PathRules::WINDOWS)
    }

    #[test]
    fn attacks_lose_their_teeth() {
        assert_eq!(unix(b".."), None);
        assert_eq!(unix(b"."), None);
        assert_eq!(unix(b""), None);
        assert_eq!(unix(b"\0\0"), None);
        assert_eq!(unix(b".\0."), None);
        assert_eq!(unix("\u{202e}..".as_bytes()), None);
        assert_eq!(unix(b"/etc/passwd").as_deref(), Some("_etc_passwd"));
        assert_eq!(unix(b"..\\..\\x").as_deref(), Some(".._.._x"));
        assert_eq!(unix(b"a\nb\x1b[2J\x7f").as_deref(), Some("a_b_[2J_"));
        assert_eq!(unix("a\u{202e}cod.exe".as_bytes()).as_deref(), Some("acod.exe"));
        assert_eq!(unix(b"\x82est").as_deref(), Some("_est"));
    }

    #[test]
    fn harmless_names_stay() {
        for name in ["a b", "foobar ", "...", ".hidden", "a:b?*", "con", "naïve.txt", "日本語"] {
            assert_eq!(unix(name.as_bytes()).as_deref(), Some(name));
        }
    }

    #[test]
    fn windows_names() {
        assert_eq!(windows("con").as_deref(), Some("_con"));
        assert_eq!(windows("NUL.txt").as_deref(), Some("_NUL.txt"));
        assert_eq!(windows("aux .c").as_deref(), Some("_aux .c"));
        assert_eq!(windows("COM7").as_deref(), Some("_COM7"));
        assert_eq!(windows("COM²").as_deref(), Some("_COM²"));
        assert_eq!(windows("common").as_deref(), Some("common"));
        assert_eq!(windows("a. . ").as_deref(), Some("a"));
        assert_eq!(windows("..."), None);
        assert_eq!(windows("C:x").as_deref(), Some("C_x"));
        // Cutting must not bring back what was taken out.
        assert_eq!(windows(&format!("con{}x", " ".repeat(300))).as_deref(), Some("_con"));
        assert_eq!(windows(&format!("{}.{}", "x".repeat(254), "y".repeat(20))).unwrap(), "x".repeat(254));
        let marked = windows(&format!("con.{}", "x".repeat(251))).unwrap();
        assert!(marked.len() == 255 && marked.starts_with("_con."));
        let bared = windows(&format!("con.{}.{}", "x".repeat(249), "y")).unwrap();
        assert_eq!(windows(&bared), Some(bared));
    }

    #[test]
    fn long_names_keep_their_extension() {
        let long = format!("{}.tar", "é".repeat(300));
        let name = unix(long.as_bytes()).unwrap();
        assert!(name.len() <= MAX_COMPONENT_LEN && name.ends_with("é.tar"));
        assert_eq!(unix("x".repeat(255).as_bytes()).unwrap().len(), 255);
    }

    #[test]
    fn numbers_go_before_the_extension() {
        assert_eq!(numbered("foo/bar.txt", 1), "foo/bar.1.txt");
        assert_eq!(numbered("foo.d/bar", 12), "foo.d/bar.12");
        assert_eq!(numbered(".rc", 1), ".rc.1");
        assert!(numbered(&"x".repeat(255), 50).len() <= 255);
    }

    proptest! {
        #[test]
        fn what_is_left_is_one_safe_component(
            raw in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..300),
                "[./\\\\\u{202e}a: \0]{0,8}".prop_map(String::into_bytes),
                "(con|aux\\.|a){1}[ .xé]{245,260}".prop_map(String::into_bytes),
            ],
            windows in any::<bool>(),
        ) {
            let rules = if windows { PathRules::WINDOWS } else { PathRules::UNIX };
            if let Some(name) = sanitise_component(&raw, rules) {
                prop_assert!(!name.is_empty() && name != "." && name != ".." && name.len() <= MAX_COMPONENT_LEN);
                prop_assert!(!name.contains(['/', '\\', '\0']) && !name.contains(char::is_control));
                let mut components = std::path::Path::new(&name).components();
                prop_assert!(matches!(components.next(), Some(std::path::Component::Normal(_))));
                prop_assert!(components.next().is_none());
                prop_assert_eq!(sanitise_component(name.as_bytes(), rules), Some(name));
            }
        }
    }
}
