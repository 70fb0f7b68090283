//! Keeps the mapping through which connections read a SQLite file.
//!
//! When somebody has committed since a connection last read, SQLite takes its whole mapping away, because there are
//! systems on which what is written to a file does not show where the file is mapped, and because the file may have
//! another size. Readings are written down all the time, so a large file would be mapped page by page again and
//! again: a random case of 8 GB cost half as much again as one of 80 MB. On Linux and macOS a mapping shows the
//! file's own memory, so here it stays until the file has become smaller, or larger by a sixteenth. A page beyond
//! its end is read, as SQLite reads every page that is not mapped.
//!
//! It exchanges the one function that takes a mapping away. `connection` opens readers with it. Why: docs/adr/0013.

#![expect(
    unsafe_code,
    reason = "a VFS is C's functions behind C's pointers, and no library wraps one"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

use libsqlite3_sys::{
    SQLITE_ERROR, SQLITE_OK, SQLITE_OPEN_MAIN_DB, sqlite3_file, sqlite3_int64, sqlite3_io_methods,
    sqlite3_vfs,
};

use super::vfs::{self, Methods};

const NAME: &CStr = c"keeps-mapping";
/// By which part the file may have grown, at most, before it is mapped anew.
const GROWTH: sqlite3_int64 = 16;

/// What is kept of a file.
struct Kept {
    /// The size of the file when its mapping was last taken away.
    size: sqlite3_int64,
}

static METHODS: OnceLock<Option<Methods>> = OnceLock::new();

/// The name of this VFS for the URI of a database; none where mappings are best left to SQLite.
pub(super) fn vfs() -> Option<&'static str> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let is_coherent = cfg!(any(target_os = "linux", target_os = "macos"));
    let is_there = is_coherent && *REGISTERED.get_or_init(|| vfs::register::<Kept>(NAME, open));
    NAME.to_str().ok().filter(|_| is_there)
}

/// Opens a file as SQLite does, and exchanges the functions of one that holds a database.
unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_in_effect: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with the VFS that was registered and with room for a `Kept`.
    unsafe {
        let outcome = vfs::open_as_own(vfs, name, file, flags, flags_in_effect);
        if outcome == SQLITE_OK
            && flags & SQLITE_OPEN_MAIN_DB != 0
            && let Some(methods) = Methods::over(&METHODS, vfs, file, keeping)
        {
            methods.kept::<Kept>(file).write(Kept { size: 0 });
            (*file).pMethods = &raw const methods.ours;
        }
        outcome
    }
}

/// None for a file that cannot be mapped.
fn keeping(own: &sqlite3_io_methods) -> Option<sqlite3_io_methods> {
    (own.iVersion >= 3).then_some(sqlite3_io_methods {
        xUnfetch: Some(keep),
        ..*own
    })
}

/// Gives a page of the mapping back, or the whole mapping, which stays if the file is about as large as it was.
unsafe extern "C" fn keep(file: *mut sqlite3_file, offset: sqlite3_int64, page: *mut c_void) -> c_int {
    let Some(Some(methods)) = METHODS.get() else {
        return SQLITE_ERROR;
    };
    let (Some(file_size), Some(unfetch)) = (methods.own.xFileSize, methods.own.xUnfetch) else {
        return SQLITE_ERROR;
    };
    // SAFETY: only a file that `open` has given these functions comes here, and it has a `Kept`. SQLite uses a file
    // from one thread at a time.
    unsafe {
        if page.is_null() {
            let kept = &mut *methods.kept::<Kept>(file);
            let mut size = 0;
            let outcome = file_size(file, &raw mut size);
            let is_alike = (kept.size..=kept.size + kept.size / GROWTH).contains(&size);
            if outcome == SQLITE_OK && is_alike {
                return SQLITE_OK;
            }
            kept.size = size;
        }
        unfetch(file, offset, page)
    }
}
