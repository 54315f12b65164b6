//! The page is built by `make web` into `web/dist` and embedded: a new build of it is a new build of this crate.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../web/dist");
}
