//! Writes the log of a SQLite database in long runs.
//!
//! SQLite writes each page of a commit in two pieces, 24 bytes and the page, so that a full group is more than a
//! thousand calls of the system, each of which goes through two pages of the file's memory. Here what follows on
//! what was written before is gathered and written together. What holds the end of a commit is written with what
//! comes before it, and so is everything before the file is read, synchronised or measured, so that nobody is told of
//! anything in the log that is not there. `connection` opens the one that writes with it.

#![expect(
    unsafe_code,
    reason = "a VFS is C's functions behind C's pointers, and no library wraps one"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::slice;
use std::sync::OnceLock;

use libsqlite3_sys::{
    SQLITE_ERROR, SQLITE_OK, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
};

use super::vfs::{self, Methods};

const NAME: &CStr = c"writes-in-runs";
/// How much is gathered at most, in bytes. SQLite's own function takes less than 128 KiB at a time.
const RUN: usize = 127 * 1024;
/// The head of a page in the log, in bytes; only that is written in a piece of this size.
const HEAD: usize = 24;
/// Where a head says how many pages the database has after the commit that ends with its page; zero in any other.
const PAGES_AFTER_COMMIT: std::ops::Range<usize> = 4..8;

/// What is kept of a log.
struct Kept {
    /// What is not written yet, behind a pointer since SQLite frees the file without a word.
    run: *mut Run,
}

/// What is gathered.
struct Run {
    begins_at: sqlite3_int64,
    bytes: Vec<u8>,
    /// Whether the last head that came is of the page that ends a commit.
    ends_commit: bool,
}

impl Run {
    fn ends_at(&self) -> Option<sqlite3_int64> {
        let length = sqlite3_int64::try_from(self.bytes.len()).ok()?;
        self.begins_at.checked_add(length)
    }
}

static METHODS: OnceLock<Option<Methods>> = OnceLock::new();

/// The name of this VFS for the URI of a database; none if SQLite does not take it.
pub(super) fn vfs() -> Option<&'static str> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let is_there = *REGISTERED.get_or_init(|| vfs::register::<Kept>(NAME, open));
    NAME.to_str().ok().filter(|_| is_there)
}

/// Opens a file as SQLite does, and exchanges the functions of a log.
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
            && flags & SQLITE_OPEN_WAL != 0
            && let Some(methods) = Methods::over(&METHODS, vfs, file, gathering)
        {
            let run = Box::new(Run {
                begins_at: 0,
                bytes: Vec::with_capacity(RUN),
                ends_commit: false,
            });
            methods.kept::<Kept>(file).write(Kept {
                run: Box::into_raw(run),
            });
            (*file).pMethods = &raw const methods.ours;
        }
        outcome
    }
}

fn gathering(own: &sqlite3_io_methods) -> Option<sqlite3_io_methods> {
    Some(sqlite3_io_methods {
        xClose: Some(close),
        xRead: Some(read),
        xWrite: Some(write),
        xTruncate: Some(truncate),
        xSync: Some(sync),
        xFileSize: Some(file_size),
        ..*own
    })
}

/// The functions of a file that [`open`] has given them, and what it has not written yet.
///
/// # Safety
/// SQLite has called one of those functions with the file, and the answer is used no longer than that call takes.
unsafe fn kept<'f>(file: *mut sqlite3_file) -> Option<(&'static sqlite3_io_methods, &'f mut Run)> {
    let methods = METHODS.get()?.as_ref()?;
    // SAFETY: the file has a `Kept`, whose run lives until the file is closed; SQLite uses a file from one thread at a
    // time.
    unsafe { Some((methods.own, &mut *(*methods.kept::<Kept>(file)).run)) }
}

/// Writes what is gathered. What could not be written is of a commit that fails with it.
///
/// # Safety
/// As of [`kept`].
unsafe fn settle(own: &sqlite3_io_methods, file: *mut sqlite3_file, run: &mut Run) -> c_int {
    if run.bytes.is_empty() {
        return SQLITE_OK;
    }
    let (Some(write), Ok(length)) = (own.xWrite, c_int::try_from(run.bytes.len())) else {
        return SQLITE_ERROR;
    };
    // SAFETY: the file is open, and SQLite's own function reads as many bytes as there are.
    let outcome = unsafe { write(file, run.bytes.as_ptr().cast(), length, run.begins_at) };
    run.bytes.clear();
    outcome
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives a file that `open` has given this function, and as many bytes as it says.
    unsafe {
        let (Some((own, run)), Ok(size)) = (kept(file), usize::try_from(length)) else {
            return SQLITE_ERROR;
        };
        let bytes = slice::from_raw_parts(from.cast::<u8>(), size);
        if run.ends_at() != Some(at) || run.bytes.len() + size > RUN {
            let outcome = settle(own, file, run);
            if outcome != SQLITE_OK {
                return outcome;
            }
            run.begins_at = at;
        }
        run.bytes.extend_from_slice(bytes);
        if size == HEAD {
            run.ends_commit = bytes[PAGES_AFTER_COMMIT] != [0; 4];
            return SQLITE_OK;
        }
        if std::mem::take(&mut run.ends_commit) {
            return settle(own, file, run);
        }
        SQLITE_OK
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    into: *mut c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: as in `write`; SQLite's own function is given what SQLite gave.
    unsafe { settled(file, |own| own.xRead.map(|read| read(file, into, length, at))) }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: as in `read`.
    unsafe { settled(file, |own| own.xTruncate.map(|truncate| truncate(file, size))) }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as in `read`.
    unsafe { settled(file, |own| own.xSync.map(|sync| sync(file, flags))) }
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    // SAFETY: as in `read`.
    unsafe { settled(file, |own| own.xFileSize.map(|file_size| file_size(file, size))) }
}

/// Does something to a file once everything is written.
///
/// # Safety
/// As of [`kept`].
unsafe fn settled(
    file: *mut sqlite3_file,
    something: impl FnOnce(&sqlite3_io_methods) -> Option<c_int>,
) -> c_int {
    // SAFETY: as the caller says.
    unsafe {
        let Some((own, run)) = kept(file) else {
            return SQLITE_ERROR;
        };
        match settle(own, file, run) {
            SQLITE_OK => something(own).unwrap_or(SQLITE_ERROR),
            failed => failed,
        }
    }
}

/// Closes a file, whatever becomes of what is not committed.
unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: as in `read`; nothing uses the file afterwards, so that its run is freed once.
    unsafe {
        let Some((own, run)) = kept(file) else {
            return SQLITE_ERROR;
        };
        drop(Box::from_raw(run));
        own.xClose.map_or(SQLITE_ERROR, |close| close(file))
    }
}
