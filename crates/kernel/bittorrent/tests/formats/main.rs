//! The parsers against files that others made: libtorrent's test torrents and the fuzz corpora.

mod corpus;
mod torrents;
