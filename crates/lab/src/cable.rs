//! A cable that takes its time, for kernels without netem.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::netns::{Netns, Switch};
use crate::process::{Launch, Process};

/// A cable between a switch and a namespace by which every frame takes a while; it lasts as long as this.
#[derive(Debug)]
pub struct DelayedCable {
    _process: Process,
}

impl DelayedCable {
    /// Plugs a namespace in as `interface` at `host` of the switch; frames take `delay` each way.
    ///
    /// The cable is a Python process: a TAP interface cannot be made without unsafe code.
    pub fn plug(switch: &Switch, netns: &Netns, interface: &str, host: u8, delay: Duration) -> Result<Self> {
        let number = switch.next_port();
        let (near, far) = (format!("p{number}"), format!("f{number}"));
        let script = tempfile::Builder::new().prefix("weft-delay-").suffix(".py").tempfile()?;
        std::fs::write(script.path(), include_str!("delay.py"))?;
        let mut process = Launch::new("a delayed cable", "python3", "/dev/null")
            .arg(script.path())
            .args([&near, &far, &(delay.as_secs_f64() * 1000.0).to_string()])
            .inside(Some(switch.netns().clone()))
            .piped()
            .start()?;
        let (_, output) = process.pipes().context("no pipes")?;
        let mut said = String::new();
        BufReader::new(output).read_line(&mut said)?;
        ensure!(said.trim() == "up", "a delayed cable needs python3 and /dev/net/tun");
        switch.plug_cable(netns, interface, host, &near, &far)?;
        Ok(DelayedCable { _process: process })
    }
}
