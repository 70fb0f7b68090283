//! Keeps the mapping through which connections read a SQLite file.
//!
//! When somebody has committed since a connection last read, SQLite takes its whole mapping away, because there are
//! systems on which what is written to a file does not show where the file is mapped, and because the file may have
//! another size. Readings are written down all the time, so a large file would be mapped page by page again and
//! again: a random case of 8 GB cost half as much again as one of 80 MB. On Linux and macOS a mapping shows the
//! file's own memory, so here it stays until the file has become smaller, or larger by a sixteenth. A page beyond
//! its end is read, as SQLite reads every page that is not mapped.
//!
//! SQLite does files through a table of functions, its VFS. This one is SQLite's own but for the one function that
//! takes a mapping away. `connection` opens readers with it. Why: docs/adr/0013.

#![expect(
    unsafe_code,
    reason = "a VFS is C's functions behind C's pointers, and no library wraps one"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use libsqlite3_sys::{
    SQLITE_ERROR, SQLITE_OK, SQLITE_OPEN_MAIN_DB, sqlite3_file, sqlite3_int64, sqlite3_io_methods,
    sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

const NAME: &CStr = c"keeps-mapping";
/// By which part the file may have grown, at most, before it is mapped anew.
const GROWTH: sqlite3_int64 = 16;

/// What a file has behind the part that SQLite's own VFS knows.
struct Behind {
    /// The size of the file when its mapping was last taken away.
    size: sqlite3_int64,
}

/// The functions of a file, and those beneath them.
struct Methods {
    ours: sqlite3_io_methods,
    file_size: unsafe extern "C" fn(*mut sqlite3_file, *mut sqlite3_int64) -> c_int,
    unfetch: unsafe extern "C" fn(*mut sqlite3_file, sqlite3_int64, *mut c_void) -> c_int,
    /// Where [`Behind`] begins.
    behind: usize,
}

static METHODS: OnceLock<Methods> = OnceLock::new();

/// The name of this VFS for the URI of a database; none where mappings are best left to SQLite.
pub(super) fn vfs() -> Option<&'static str> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let is_coherent = cfg!(any(target_os = "linux", target_os = "macos"));
    let is_there = is_coherent && *REGISTERED.get_or_init(register);
    NAME.to_str().ok().filter(|_| is_there)
}

fn register() -> bool {
    // SAFETY: SQLite starts by itself when it is asked for a VFS; without a name it answers with its own, which
    // lives as long as the program, or with nothing.
    let Some(own) = (unsafe { sqlite3_vfs_find(ptr::null()).as_ref() }) else {
        return false;
    };
    let size = place_behind(own).and_then(|behind| c_int::try_from(behind + size_of::<Behind>()).ok());
    let Some(size) = size else {
        return false;
    };
    let vfs = Box::leak(Box::new(sqlite3_vfs {
        szOsFile: size,
        pNext: ptr::null_mut(),
        zName: NAME.as_ptr(),
        // Only opening a file asks for this, and that is told of SQLite's own.
        pAppData: ptr::from_ref(own).cast_mut().cast(),
        xOpen: Some(open),
        ..*own
    }));
    // SAFETY: it lives as long as the program.
    unsafe { sqlite3_vfs_register(vfs, 0) == SQLITE_OK }
}

/// Where [`Behind`] begins in a file of SQLite's own VFS.
fn place_behind(own: &sqlite3_vfs) -> Option<usize> {
    let size = usize::try_from(own.szOsFile).ok()?;
    Some(size.next_multiple_of(align_of::<Behind>()))
}

/// Opens a file as SQLite does, and exchanges the functions of one that holds a database.
unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_in_effect: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with the VFS that `register` made, whose data is SQLite's own VFS, and with as much
    // room for the file as `register` asked for, which is more than that one needs.
    unsafe {
        let own = (*vfs).pAppData.cast::<sqlite3_vfs>();
        let (Some(open), Some(behind)) = ((*own).xOpen, place_behind(&*own)) else {
            return SQLITE_ERROR;
        };
        let outcome = open(own, name, file, flags, flags_in_effect);
        if outcome == SQLITE_OK
            && flags & SQLITE_OPEN_MAIN_DB != 0
            && let Some(methods) = methods_over((*file).pMethods, behind)
        {
            file.byte_add(methods.behind)
                .cast::<Behind>()
                .write(Behind { size: 0 });
            (*file).pMethods = &raw const methods.ours;
        }
        outcome
    }
}

/// The functions that stand over those of a file; none if the file has others than the first one had, or cannot be
/// mapped.
///
/// # Safety
/// `own` is null or points to the functions of an open file, which live as long as the program.
unsafe fn methods_over(own: *const sqlite3_io_methods, behind: usize) -> Option<&'static Methods> {
    // SAFETY: as the caller says.
    let own = unsafe { own.as_ref() }.filter(|own| own.iVersion >= 3)?;
    let (file_size, unfetch) = (own.xFileSize?, own.xUnfetch?);
    let methods = METHODS.get_or_init(|| Methods {
        ours: sqlite3_io_methods {
            xUnfetch: Some(keep),
            ..*own
        },
        file_size,
        unfetch,
        behind,
    });
    let is_the_same = methods.ours.xLock.map(|lock| lock as usize) == own.xLock.map(|lock| lock as usize)
        && methods.unfetch as usize == unfetch as usize;
    is_the_same.then_some(methods)
}

/// Gives a page of the mapping back, or the whole mapping, which stays if the file is about as large as it was.
unsafe extern "C" fn keep(file: *mut sqlite3_file, offset: sqlite3_int64, page: *mut c_void) -> c_int {
    let Some(methods) = METHODS.get() else {
        return SQLITE_ERROR;
    };
    // SAFETY: only a file that `open` has given these functions comes here, and it has a `Behind`. SQLite uses a
    // file from one thread at a time.
    unsafe {
        if page.is_null() {
            let behind = &mut *file.byte_add(methods.behind).cast::<Behind>();
            let mut size = 0;
            let outcome = (methods.file_size)(file, &raw mut size);
            let is_alike = (behind.size..=behind.size + behind.size / GROWTH).contains(&size);
            if outcome == SQLITE_OK && is_alike {
                return SQLITE_OK;
            }
            behind.size = size;
        }
        (methods.unfetch)(file, offset, page)
    }
}
