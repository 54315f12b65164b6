//! Questions to the person at the terminal.

use std::io::{BufRead as _, IsTerminal as _};

use zeroize::Zeroizing;

use crate::failure::{Failure, Result};
use crate::output;

/// Whether somebody is there to answer.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for something that is not shown while it is typed. Without a terminal it is one line of standard input.
pub(crate) fn secret(question: &str) -> Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        return line();
    }
    output::ask(question);
    let typed = console::Term::stderr().read_secure_line();
    Ok(Zeroizing::new(typed.map_err(|error| Failure::new(format!("cannot read from the terminal: {error}")))?))
}

/// Whether the person types `expected`.
pub(crate) fn confirm(question: &str, expected: &str) -> Result<bool> {
    output::ask(question);
    Ok(line()?.trim() == expected)
}

/// One line of standard input.
pub(crate) fn line() -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin().lock().read_line(&mut text);
    match read {
        Ok(0) => Err(Failure::new("standard input ended before an answer came").mend("run it in a terminal")),
        Ok(_) => Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => Err(Failure::new(format!("cannot read standard input: {error}"))),
    }
}
