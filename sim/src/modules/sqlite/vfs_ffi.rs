//! SQLite's C interface to an operating system, and the few process-wide switches that have no safe form.
//!
//! The only file of this crate with `unsafe` in it: SQLite asks for its files, its time and its random numbers through
//! a table of C functions. Each of them takes its arguments apart, asks the [`host`] and puts the answer where SQLite
//! wants it; whatever there is to decide is decided there. Every block relies on SQLite's side of the contract
//! (<https://sqlite.org/c3ref/vfs.html>, <https://sqlite.org/c3ref/io_methods.html>): pointers are valid for the call,
//! buffers have the length that comes with them, names end with a zero, and a file is used by one thread at a time.
//!
//! Should one of these functions panic, the process aborts: no unwinding goes through C.
#![allow(unsafe_code)]

use super::host::{self, File, Host, Opening};
use crate::disk::DiskError;
use rusqlite::ffi;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Once;

/// How the engine calls it.
pub const NAME: &CStr = c"kinode-sim";
/// How much memory one call of the engine may take, in bytes, all told.
const MEMORY_MAX: i64 = 1 << 28;
/// The longest path, with its final zero.
const PATH_MAX: c_int = 4096;
/// As `os_unix.c` has it.
const SECTOR: c_int = 4096;

/// What SQLite keeps for an open file.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    /// Made by `open`, taken back by `close`.
    file: *mut File,
}

/// Makes the engine a blank sheet, as far as the process has a part in it. To be called before each call of the engine
/// while one caller has the engine alone.
///
/// SQLite's random numbers come from one generator for the whole process, seeded once from the default VFS: they are
/// forgotten, so that this call's are drawn from its own host. Its memory is counted for the whole process, too: what
/// counts is what this call takes.
pub fn prepare() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    // SAFETY: both may be called at any time; a null buffer of no bytes asks the generator to forget its seed.
    unsafe {
        ffi::sqlite3_randomness(0, std::ptr::null_mut());
        ffi::sqlite3_hard_heap_limit64(ffi::sqlite3_memory_used() + MEMORY_MAX);
    }
}

/// The largest piece of memory that the engine has asked for since it was last forgotten, in bytes: the largest value that
/// it has handled is no larger.
pub fn largest_allocation() -> u64 {
    status_of_largest(0)
}

/// From here on the largest piece of memory is that of what is asked for from here on.
pub fn forget_largest_allocation() {
    status_of_largest(1);
}

fn status_of_largest(forget: c_int) -> u64 {
    let (mut now, mut highest) = (0, 0);
    // SAFETY: it may be called at any time, with places for its two answers.
    let code = unsafe { ffi::sqlite3_status64(ffi::SQLITE_STATUS_MALLOC_SIZE, &mut now, &mut highest, forget) };
    if code == ffi::SQLITE_OK { highest as u64 } else { 0 }
}

fn register() {
    let vfs = Box::new(ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: size_of::<Handle>() as c_int,
        mxPathname: PATH_MAX,
        pNext: std::ptr::null_mut(),
        zName: NAME.as_ptr(),
        pAppData: std::ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: None,
        xGetLastError: None,
        xCurrentTimeInt64: Some(current_time),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    });
    // SAFETY: before the engine starts it takes these settings: it keeps no pages in advance, and sorts rows one by one,
    // so that no piece of memory is large but for a large value. If it has been started by somebody else, it refuses them
    // and stays as it is: then more counts as a large value.
    unsafe {
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_PAGECACHE, std::ptr::null_mut::<c_void>(), 0 as c_int, 0 as c_int);
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_SMALL_MALLOC, 1 as c_int);
    }
    // SAFETY: SQLite keeps the pointer and links the structure into its list; it is never freed. A node has no time
    // zone: `localtime` is to fail and not to ask the machine for its own.
    unsafe {
        let done = ffi::sqlite3_vfs_register(Box::leak(vfs), 1);
        assert_eq!(done, ffi::SQLITE_OK, "the engine starts and takes its operating system");
        ffi::sqlite3_test_control(ffi::SQLITE_TESTCTRL_LOCALTIME_FAULT, 1 as c_int);
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Version 1: no shared memory. The engine does without in exclusive locking mode.
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// The result code of an access: what the disk refused for want of space is `SQLITE_FULL`, all else is `or`.
fn code(result: Result<(), DiskError>, or: c_int) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(DiskError::NoSpace) => ffi::SQLITE_FULL,
        Err(_) => or,
    }
}

/// An open file, and the host.
///
/// # Safety
/// The handle was filled by `open` and is not yet closed.
unsafe fn on_file(
    handle: *mut ffi::sqlite3_file,
    or: c_int,
    work: impl FnOnce(&mut Host, &mut File) -> Result<(), DiskError>,
) -> c_int {
    // SAFETY: the caller's promise: it is a `Handle`, and its file is there until `close`; the engine uses a file by one
    // thread at a time, so that nobody else refers to it.
    let file = unsafe { &mut *(*handle.cast::<Handle>()).file };
    code(host::ask(|host| work(host, file)), or)
}

/// A name that SQLite hands over; ours are all UTF-8.
///
/// # Safety
/// The pointer is null, or leads to text that ends with a zero and stays for as long as the result is used.
unsafe fn name<'a>(text: *const c_char) -> Option<&'a str> {
    // SAFETY: the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }).and_then(|text| text.to_str().ok())
}

/// A buffer of SQLite's to be filled, emptied first: it may never have been written to.
///
/// # Safety
/// There is room for `len` bytes, which nobody else refers to for as long as the result is used.
unsafe fn room<'a>(out: *mut u8, len: c_int) -> &'a mut [u8] {
    // SAFETY: the caller's promise; after the first the bytes are initialised.
    unsafe {
        out.write_bytes(0, len as usize);
        std::slice::from_raw_parts_mut(out, len as usize)
    }
}

// ---- the operating system -----------------------------------------------------------------------------------------

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    path: ffi::sqlite3_filename,
    handle: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let is = |flag: c_int| flags & flag != 0;
    let journal = is(ffi::SQLITE_OPEN_MAIN_JOURNAL) || is(ffi::SQLITE_OPEN_WAL);
    let opening = Opening { create: is(ffi::SQLITE_OPEN_CREATE), journal };
    // SAFETY: a file name, or null for one that nobody names.
    let file = match (unsafe { name(path) }, path.is_null()) {
        (Some(path), _) => File::open(path, opening),
        (None, true) => Ok(File::Temporary(Vec::new())),
        (None, false) => Err(DiskError::NotFound),
    };
    let methods = if file.is_ok() { &raw const METHODS } else { std::ptr::null() };
    let result = file.map(|file| {
        // SAFETY: SQLite has made room for `szOsFile` bytes, aligned for any of its own structures.
        unsafe { (*handle.cast::<Handle>()).file = Box::into_raw(Box::new(file)) };
    });
    // SAFETY: the same room. Without methods SQLite does not close what was not opened. The flags may be null.
    unsafe {
        (*handle).pMethods = methods;
        if !flags_out.is_null() {
            *flags_out = flags;
        }
    }
    code(result, ffi::SQLITE_CANTOPEN)
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    // SAFETY: a file name.
    let path = unsafe { name(path) }.unwrap_or_default();
    match host::ask(|host| host.remove(path, sync != 0)) {
        Err(DiskError::NotFound) => ffi::SQLITE_IOERR_DELETE_NOENT,
        result => code(result, ffi::SQLITE_IOERR_DELETE),
    }
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, path: *const c_char, _: c_int, out: *mut c_int) -> c_int {
    // SAFETY: a file name, and a place for the answer.
    let (path, out) = unsafe { (name(path).unwrap_or_default(), &mut *out) };
    code(Host::has(path).map(|has| *out = c_int::from(has)), ffi::SQLITE_IOERR_ACCESS)
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    len: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: a file name.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes_with_nul();
    if path.len() > len as usize {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: there is room for `len` bytes at `out`, and the name's own bytes lie elsewhere.
    unsafe { std::ptr::copy_nonoverlapping(path.as_ptr(), out.cast(), path.len()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, len: c_int, out: *mut c_char) -> c_int {
    // SAFETY: there is room for `len` bytes at `out`.
    let out = unsafe { room(out.cast(), len) };
    let drawn = host::ask(|host| {
        host.randomness(out);
        Ok(len)
    });
    // Outside of a call: a destructor's numbers go nowhere.
    drawn.unwrap_or(0)
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    micros
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: a place for the answer.
    let out = unsafe { &mut *out };
    code(host::ask(|host| Ok(host.julian_millis())).map(|millis| *out = millis), ffi::SQLITE_ERROR)
}

// ---- a file -------------------------------------------------------------------------------------------------------

unsafe extern "C" fn close(handle: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: it was filled by `open`, and SQLite closes it once.
    drop(unsafe { Box::from_raw((*handle.cast::<Handle>()).file) });
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(handle: *mut ffi::sqlite3_file, out: *mut c_void, len: c_int, offset: i64) -> c_int {
    // SAFETY: there is room for `len` bytes at `out`.
    let out = unsafe { room(out.cast(), len) };
    let mut whole = false;
    // SAFETY: an open file.
    let code = unsafe {
        on_file(handle, ffi::SQLITE_IOERR_READ, |host, file| {
            whole = file.read(host, offset as u64, out)?;
            Ok(())
        })
    };
    if code == ffi::SQLITE_OK && !whole { ffi::SQLITE_IOERR_SHORT_READ } else { code }
}

unsafe extern "C" fn write(handle: *mut ffi::sqlite3_file, bytes: *const c_void, len: c_int, offset: i64) -> c_int {
    // SAFETY: there are `len` bytes at `bytes`.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), len as usize) };
    // SAFETY: an open file.
    unsafe { on_file(handle, ffi::SQLITE_IOERR_WRITE, |host, file| file.write(host, offset as u64, bytes)) }
}

unsafe extern "C" fn truncate(handle: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: an open file.
    unsafe { on_file(handle, ffi::SQLITE_IOERR_TRUNCATE, |host, file| file.set_len(host, len as u64)) }
}

unsafe extern "C" fn sync(handle: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file.
    unsafe { on_file(handle, ffi::SQLITE_IOERR_FSYNC, |host, file| file.sync(host)) }
}

unsafe extern "C" fn file_size(handle: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: an open file, and a place for the answer.
    unsafe { on_file(handle, ffi::SQLITE_IOERR_FSTAT, |_, file| file.len().map(|len| *out = len as i64)) }
}

/// A database has one handle in its node, so that there is nobody to lock out.
unsafe extern "C" fn lock(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: a place for the answer.
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    SECTOR
}

/// As `os_unix.c` has it: what is not written is not touched, whatever becomes of the write.
unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}
