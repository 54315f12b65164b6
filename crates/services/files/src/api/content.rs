//! The bytes of a file, also while they are still arriving.
//!
//! What comes back was made by strangers and is shown by a browser at this API's own origin. So only pictures, sound and
//! film say what they are; everything else is a download, nothing of it may be guessed, and were it opened as a page it
//! would run in a sandbox without origin.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use weft_content::Reader;
use weft_service::Problem;

use super::{Files, info_hash};
use crate::problems;

/// 256 KiB are read at a time: all that is kept of an answer here, however slowly it is taken.
const CHUNK: usize = 256 << 10;

/// What is shown as what it is: no format that can carry a script (HTML, SVG, PDF).
const SHOWN: [(&str, &str); 31] = [
    ("aac", "audio/aac"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("m2ts", "video/mp2t"),
    ("m4a", "audio/mp4"),
    ("m4b", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("mka", "audio/x-matroska"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("mts", "video/mp2t"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("png", "image/png"),
    ("ts", "video/mp2t"),
    ("wav", "audio/wav"),
    ("weba", "audio/webm"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("wmv", "video/x-ms-wmv"),
];

/// What RFC 5987 leaves as it is in an extended value.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A part of a file: the first byte, and the first byte after it.
type Part = std::ops::Range<u64>;

/// A file's bytes, or one range of them. What is asked for and not here yet is fetched before everything else, and the
/// answer goes on as it arrives. `HEAD` says the same without the bytes.
#[utoipa::path(get, path = "/torrents/{info_hash}/files/{index}/content", tag = "files", operation_id = "files_content",
    params(("info_hash" = String, Path), ("index" = usize, Path, description = "The file's place in the torrent"),
        ("range" = Option<String>, Header, description = "One range of bytes (RFC 9110); of several the whole file is given"),
        ("if-range" = Option<String>, Header, description = "The range counts only if this is the file's ETag")),
    responses((status = OK, content_type = "application/octet-stream", body = Vec<u8>),
        (status = PARTIAL_CONTENT, content_type = "application/octet-stream", body = Vec<u8>),
        (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem),
        (status = RANGE_NOT_SATISFIABLE, body = Problem), (status = TOO_MANY_REQUESTS, body = Problem)))]
pub(super) async fn content(
    State(files): State<Files>,
    Path((id, index)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = info_hash(&id)?;
    let mut reader = files.engine.reader(id, index).map_err(|error| problems::read(&error))?;
    let etag = format!("\"{id}-{index}\"");
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    // Content under an info-hash never changes: its name is its validator.
    let counts = headers.get(header::IF_RANGE).is_none_or(|tag| tag.as_bytes() == etag.as_bytes());
    let part = match range.filter(|_| counts).map_or(Ok(None), |range| parse_range(range, reader.len())) {
        Ok(part) => part,
        Err(Unsatisfiable) => return Ok(unsatisfiable(reader.len())),
    };
    let (status, part, whole) = match part {
        Some(part) => (StatusCode::PARTIAL_CONTENT, part, reader.len()),
        None => (StatusCode::OK, 0..reader.len(), reader.len()),
    };
    if !part.is_empty() {
        reader.check(part.start).map_err(|error| problems::read(&error))?;
    }
    reader.set_end(part.end);
    let (kind, disposition) = presentation(&reader.name());
    let length = part.end - part.start;
    let content_range = format!("bytes {}-{}/{whole}", part.start, part.end.saturating_sub(1));
    let mut response = (status, body(reader, part)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    for (name, value) in [(header::ETAG, etag), (header::CONTENT_DISPOSITION, disposition)] {
        // Both are made of characters that a header may have.
        headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        headers.extend(HeaderValue::try_from(content_range).ok().map(|value| (header::CONTENT_RANGE, value)));
    }
    Ok(response)
}

/// The bytes as they come; nothing is read before the client took what was read before. Ends with the client.
fn body(reader: Reader, part: Part) -> Body {
    let chunks = futures::stream::unfold((reader, part), |(mut reader, part)| async move {
        if part.is_empty() {
            return None;
        }
        let most = usize::try_from(part.end - part.start).unwrap_or(CHUNK).min(CHUNK);
        match reader.read_at(part.start, most).await {
            Ok(bytes) if bytes.is_empty() => None,
            Ok(bytes) => {
                let next = part.start + bytes.len() as u64..part.end;
                Some((Ok(bytes), (reader, next)))
            }
            // The connection is cut, so that nobody takes a part for the whole.
            Err(error) => {
                let end = part.end..part.end;
                Some((Err(std::io::Error::other(error)), (reader, end)))
            }
        }
    });
    Body::from_stream(chunks)
}

#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// The one range that a header names. `None` where it is to be ignored: another unit, several ranges, or nonsense.
fn parse_range(range: &str, len: u64) -> Result<Option<Part>, Unsatisfiable> {
    let Some((unit, list)) = range.split_once('=') else { return Ok(None) };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Ok(None);
    }
    let Some((first, last)) = list.trim().split_once('-').filter(|_| !list.contains(',')) else { return Ok(None) };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // Beyond 64 bits is beyond every file.
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => return Ok(None),
        (Some(first), Some(last)) => first..last.saturating_add(1).min(len),
        (Some(first), None) if last.is_empty() => first..len,
        (None, Some(suffix)) if first.is_empty() => len.saturating_sub(suffix)..len,
        _ => return Ok(None),
    };
    if part.start >= len || part.is_empty() { Err(Unsatisfiable) } else { Ok(Some(part)) }
}

fn unsatisfiable(len: u64) -> Response {
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "no-such-range", format!("the file has {len} bytes"));
    let mut response = problem.mend("ask for bytes that it has").into_response();
    let range = HeaderValue::try_from(format!("bytes */{len}")).ok();
    response.headers_mut().extend(range.map(|value| (header::CONTENT_RANGE, value)));
    response
}

/// `Content-Type` and `Content-Disposition` of a file of this name.
fn presentation(name: &str) -> (&'static str, String) {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let shown = SHOWN.iter().find(|(known, _)| *known == extension).map(|(_, kind)| *kind);
    let how = if shown.is_some() { "inline" } else { "attachment" };
    // For those that do not read the extended form. Neither quotes nor backslashes, which some read in their own way.
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_. ()".contains(c) { c } else { '_' };
    let fallback: String = name.chars().map(plain).collect();
    let extended = utf8_percent_encode(name, ATTR_CHAR);
    let disposition = format!("{how}; filename=\"{fallback}\"; filename*=UTF-8''{extended}");
    (shown.unwrap_or("application/octet-stream"), disposition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_counts_and_nonsense_is_ignored() {
        for (text, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-", 0..100),
            ("bytes=10-19", 10..20),
            ("Bytes= 10-19", 10..20),
            ("bytes=90-1000", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("bytes=99-99999999999999999999999", 99..100),
        ] {
            assert_eq!(parse_range(text, 100), Ok(Some(part)), "{text}");
        }
        for text in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(parse_range(text, 100), Err(Unsatisfiable), "{text}");
        }
        for text in
            ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-1", "bytes=0-1,3-4", "lines=0-1", "bytes=+1-2"]
        {
            assert_eq!(parse_range(text, 100), Ok(None), "{text}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Err(Unsatisfiable));
    }

    #[test]
    fn only_pictures_sound_and_film_are_shown() {
        assert_eq!(presentation("a.MP4").0, "video/mp4");
        for name in
            ["a.html", "a.htm", "a.xhtml", "a.svg", "a.SVGZ", "a.xml", "a.pdf", "a.js", "a", "mp4", "a.mp4.exe", ""]
        {
            let (kind, disposition) = presentation(name);
            assert_eq!(kind, "application/octet-stream", "{name}");
            assert!(disposition.starts_with("attachment; "), "{name}");
        }
        assert!(SHOWN.is_sorted() && SHOWN.iter().all(|(_, kind)| !kind.contains("svg") && !kind.starts_with("text")));
    }

    #[test]
    fn a_name_cannot_say_more_than_a_name() {
        let (_, disposition) = presentation("\u{202e}na\u{ef}ve \"; filename=x.html\r\nX: y\\z.mp4");
        assert_eq!(
            disposition,
            "inline; filename=\"_na_ve __ filename_x.html__X_ y_z.mp4\"; \
             filename*=UTF-8''%E2%80%AEna%C3%AFve%20%22%3B%20filename%3Dx.html%0D%0AX%3A%20y%5Cz.mp4"
        );
        assert!(HeaderValue::try_from(disposition).is_ok());
    }
}
