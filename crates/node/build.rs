//! The page is built by `make web` into `web/dist`. A release build embeds it, so a new build of it is a new build of this
//! crate; a debug build reads it when it is asked for.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../../web/dist");
    }
}
