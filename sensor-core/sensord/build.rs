//! Windows only: the capture library, Npcap's wpcap.dll, is imported with delay, so that the sensor starts and replays
//! where it is not installed. `capture/live/library.rs` loads it before its first use.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let of_target = |name: &str| env::var(name).unwrap_or_default();
    if of_target("CARGO_CFG_TARGET_OS") != "windows" {
        return;
    }
    if of_target("CARGO_CFG_TARGET_ENV") == "msvc" {
        // wpcap.lib is Npcap's, in its SDK; the search path for it is set by LIBPCAP_LIBDIR (see the pcap crate).
        println!("cargo::rustc-link-arg-bins=/DELAYLOAD:wpcap.dll");
        println!("cargo::rustc-link-arg-bins=delayimp.lib");
        return;
    }
    // With GNU tools the import library is made here, from the names alone: no SDK is needed.
    let out = of_target("OUT_DIR");
    let (names, library) = (Path::new(&out).join("wpcap.def"), Path::new(&out).join("libwpcap.a"));
    let def = format!("LIBRARY wpcap.dll\nEXPORTS\n{}\n", FUNCTIONS.join("\n"));
    let made = fs::write(&names, def).and_then(|()| {
        let mut dlltool = Command::new("x86_64-w64-mingw32-dlltool");
        dlltool.args(["--dllname", "wpcap.dll", "--def"]).arg(&names).arg("--output-delaylib").arg(&library).status()
    });
    // Only linking needs it: checking the code for Windows goes without.
    if !made.is_ok_and(|status| status.success()) {
        println!("cargo::warning=x86_64-w64-mingw32-dlltool made no import library for wpcap.dll: linking will fail");
    }
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-arg-bins=-ldelayimp");
}

/// What the pcap crate calls on Windows.
const FUNCTIONS: &[&str] = &[
    "pcap_activate",
    "pcap_breakloop",
    "pcap_close",
    "pcap_compile",
    "pcap_create",
    "pcap_datalink",
    "pcap_datalink_name_to_val",
    "pcap_datalink_val_to_description",
    "pcap_datalink_val_to_name",
    "pcap_dispatch",
    "pcap_dump",
    "pcap_dump_close",
    "pcap_dump_flush",
    "pcap_dump_open",
    "pcap_dump_open_append",
    "pcap_findalldevs",
    "pcap_free_datalinks",
    "pcap_freealldevs",
    "pcap_freecode",
    "pcap_geterr",
    "pcap_getevent",
    "pcap_lib_version",
    "pcap_list_datalinks",
    "pcap_loop",
    "pcap_major_version",
    "pcap_minor_version",
    "pcap_next_ex",
    "pcap_offline_filter",
    "pcap_open_dead",
    "pcap_open_dead_with_tstamp_precision",
    "pcap_open_offline",
    "pcap_open_offline_with_tstamp_precision",
    "pcap_sendpacket",
    "pcap_sendqueue_alloc",
    "pcap_sendqueue_destroy",
    "pcap_sendqueue_queue",
    "pcap_sendqueue_transmit",
    "pcap_set_buffer_size",
    "pcap_set_datalink",
    "pcap_set_immediate_mode",
    "pcap_set_promisc",
    "pcap_set_snaplen",
    "pcap_set_timeout",
    "pcap_set_tstamp_precision",
    "pcap_set_tstamp_type",
    "pcap_setdirection",
    "pcap_setfilter",
    "pcap_setmintocopy",
    "pcap_setnonblock",
    "pcap_stats",
];
