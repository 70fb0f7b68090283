//! What SQLite does files through, with some of its functions exchanged.
//!
//! SQLite calls a table of functions for every file, which its VFS hands out when the file is opened. A VFS of ours is
//! SQLite's own but for the functions of one kind of file, and keeps some room of its own behind what that one keeps of
//! a file. `mapping` and `log_writes` say which functions and why; nothing else calls this.

#![expect(
    unsafe_code,
    reason = "a VFS is C's functions behind C's pointers, and no library wraps one"
)]

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::OnceLock;

use libsqlite3_sys::{
    SQLITE_ERROR, SQLITE_OK, sqlite3_file, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find,
    sqlite3_vfs_register,
};

/// How a VFS opens a file.
pub(super) type Open = unsafe extern "C" fn(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_in_effect: *mut c_int,
) -> c_int;

/// How what a VFS of ours keeps of a file is aligned, at most; SQLite aligns a file so, and what is behind it too.
const ALIGNMENT: usize = 8;

/// Makes a VFS known under a name, with room for a `Kept` behind every file; whether that could be done.
pub(super) fn register<Kept>(name: &'static CStr, open: Open) -> bool {
    const { assert!(align_of::<Kept>() <= ALIGNMENT) };
    // SAFETY: SQLite starts by itself when it is asked for a VFS; without a name it answers with its own, which
    // lives as long as the program, or with nothing.
    let Some(own) = (unsafe { sqlite3_vfs_find(ptr::null()).as_ref() }) else {
        return false;
    };
    let size = place_behind(own).and_then(|place| c_int::try_from(place + size_of::<Kept>()).ok());
    let Some(size) = size else {
        return false;
    };
    let vfs = Box::leak(Box::new(sqlite3_vfs {
        szOsFile: size,
        pNext: ptr::null_mut(),
        zName: name.as_ptr(),
        // Only opening a file asks for this, and that is told of SQLite's own.
        pAppData: ptr::from_ref(own).cast_mut().cast(),
        xOpen: Some(open),
        ..*own
    }));
    // SAFETY: it lives as long as the program.
    unsafe { sqlite3_vfs_register(vfs, 0) == SQLITE_OK }
}

/// Where room begins behind what SQLite's own VFS keeps of a file.
fn place_behind(own: &sqlite3_vfs) -> Option<usize> {
    let size = usize::try_from(own.szOsFile).ok()?;
    Some(size.next_multiple_of(ALIGNMENT))
}

/// Opens a file as SQLite's own VFS does.
///
/// # Safety
/// It is given what SQLite has given to [`Open`], of a VFS that [`register`] made.
pub(super) unsafe fn open_as_own(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_in_effect: *mut c_int,
) -> c_int {
    // SAFETY: the data of that VFS is SQLite's own, which lives as long as the program, and SQLite has made as much
    // room for the file as `register` asked for, which is more than that one needs.
    unsafe {
        let own = (*vfs).pAppData.cast::<sqlite3_vfs>();
        match (*own).xOpen {
            Some(open) => open(own, name, file, flags, flags_in_effect),
            None => SQLITE_ERROR,
        }
    }
}

/// The functions of one kind of file, and SQLite's own beneath them, which all files of that kind have.
pub(super) struct Methods {
    pub(super) own: &'static sqlite3_io_methods,
    pub(super) ours: sqlite3_io_methods,
    place: usize,
}

impl Methods {
    /// The functions that stand over those of a file that was just opened; none if it has others than the first one
    /// had, or `over` makes nothing of them.
    ///
    /// # Safety
    /// The file was opened by [`open_as_own`], of the same VFS whenever `made` is the same.
    pub(super) unsafe fn over(
        made: &'static OnceLock<Option<Methods>>,
        vfs: *mut sqlite3_vfs,
        file: *mut sqlite3_file,
        over: fn(&sqlite3_io_methods) -> Option<sqlite3_io_methods>,
    ) -> Option<&'static Methods> {
        // SAFETY: as the caller says; the functions of a file live as long as the program.
        let (own, place) = unsafe {
            let own: &'static sqlite3_io_methods = (*file).pMethods.as_ref()?;
            (own, place_behind(&*(*vfs).pAppData.cast::<sqlite3_vfs>())?)
        };
        let methods = made.get_or_init(|| over(own).map(|ours| Methods { own, ours, place }));
        methods.as_ref().filter(|methods| ptr::eq(methods.own, own))
    }

    /// What is kept of a file.
    ///
    /// # Safety
    /// The file has these functions, and room for a `Kept`.
    pub(super) unsafe fn kept<Kept>(&self, file: *mut sqlite3_file) -> *mut Kept {
        // SAFETY: as the caller says, the room is part of what SQLite has allocated for the file.
        unsafe { file.byte_add(self.place).cast() }
    }
}
