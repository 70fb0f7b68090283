//! Gives the program a fingerprint of the code that computes clocks, so that an index written by
//! other code is noticed, and makes a new migration folder reach the binary.

use std::path::{Path, PathBuf};
use std::{fs, io};

const ENGINE: [&str; 3] = ["src/statute", "src/casework", "src/store/clock.rs"];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    let mut files = Vec::new();
    for part in ENGINE {
        println!("cargo:rerun-if-changed={part}");
        collect(Path::new(part), &mut files)?;
    }
    files.sort();
    // FNV-1a: it has to be the same on every machine, not hard to forge.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        for byte in fs::read(file)? {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    println!("cargo:rustc-env=ENGINE_FINGERPRINT={hash:016x}");
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    // Tests compute nothing that is stored.
    if path.ends_with("casework/laws") {
        return Ok(());
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}
