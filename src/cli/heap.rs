//! Keeps freed memory with the process.

/// Tells the C library to keep freed memory for the next allocation. Must be called before any
/// thread is started.
///
/// A software driver and the read-back allocate the same megabytes for every frame. glibc gives
/// them back to the system in between, and to get their pages anew costs up to a third of the time
/// that a small tile takes.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // The largest value that glibc accepts. It always maps larger blocks one by one.
        const LARGEST_IN_HEAP: libc::c_int = 32 << 20;
        const GROWS_BY_AT_LEAST: libc::c_int = 16 << 20;
        for (parameter, bytes) in [
            (libc::M_TRIM_THRESHOLD, libc::c_int::MAX),
            (libc::M_MMAP_THRESHOLD, LARGEST_IN_HEAP),
            (libc::M_TOP_PAD, GROWS_BY_AT_LEAST),
        ] {
            // SAFETY: `mallopt` changes thresholds of the allocator and no memory, and there is no
            // other thread yet. What it refuses stays as it was.
            #[allow(unsafe_code)]
            unsafe {
                libc::mallopt(parameter, bytes);
            }
        }
    }
}
