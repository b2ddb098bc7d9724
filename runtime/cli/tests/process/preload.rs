//! A disk that fails on demand. `faulty_disk.rs` compiles this file as a library. LD_PRELOAD loads it between
//! the program under test and its C library; it is not a module of the tests.
//!
//! Files in the folder $FAULTY_DISK activate faults while they exist: with `full` no new file can be created,
//! with `sync-fails` every sync fails, with `sync-waits` no sync completes.

use std::env;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::mem::transmute;
use std::path::Path;
use std::ptr::without_provenance_mut;
use std::thread::sleep;
use std::time::Duration;

const EIO: c_int = 5;
const ENOSPC: c_int = 28;
const O_CREAT: c_int = 0o100;

type Open = extern "C" fn(*const c_char, c_int, c_uint) -> c_int;
type Sync = extern "C" fn(c_int) -> c_int;

unsafe extern "C" {
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
}

/// # Safety
/// As in C. The mode is always passed on; it is ignored if the caller did not pass one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    if flags & O_CREAT != 0 && is_set("full") {
        return fail(ENOSPC);
    }
    let real = unsafe { transmute::<*mut c_void, Open>(next(c"open64")) };
    real(path, flags, mode)
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(file: c_int) -> c_int {
    sync(c"fdatasync", file)
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(file: c_int) -> c_int {
    sync(c"fsync", file)
}

fn sync(name: &CStr, file: c_int) -> c_int {
    while is_set("sync-waits") {
        sleep(Duration::from_millis(5));
    }
    if is_set("sync-fails") {
        return fail(EIO);
    }
    let real = unsafe { transmute::<*mut c_void, Sync>(next(name)) };
    real(file)
}

fn is_set(fault: &str) -> bool {
    env::var_os("FAULTY_DISK").is_some_and(|folder| Path::new(&folder).join(fault).exists())
}

fn fail(errno: c_int) -> c_int {
    unsafe { *__errno_location() = errno };
    -1
}

/// The function that this library overrides.
fn next(name: &CStr) -> *mut c_void {
    // RTLD_NEXT.
    let found = unsafe { dlsym(without_provenance_mut(usize::MAX), name.as_ptr()) };
    assert!(!found.is_null(), "the C library has no {name:?}");
    found
}
