//! The few functions of CUDA's driver that are called, from the library that the framework has loaded already.

#![expect(unsafe_code, reason = "calls a C library")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::OnceLock;

use libloading::Library;

use crate::error::{Error, Result};

#[cfg(windows)]
const NAME: &str = "nvcuda.dll";
#[cfg(not(windows))]
const NAME: &str = "libcuda.so.1";

/// A context, which a device has one of that all libraries share.
pub(super) type Context = *mut c_void;
pub(super) type Function = *mut c_void;
type Code = c_int;

/// Memory of the host that all contexts know, and that devices may write to.
const PORTABLE_AND_MAPPED: c_uint = 1 | 2;

/// The functions; the library stays loaded.
pub(super) struct Driver {
    device_get: unsafe extern "C" fn(*mut c_int, c_int) -> Code,
    primary_context: unsafe extern "C" fn(*mut Context, c_int) -> Code,
    push_context: unsafe extern "C" fn(Context) -> Code,
    pop_context: unsafe extern "C" fn(*mut Context) -> Code,
    load_module: unsafe extern "C" fn(*mut *mut c_void, *const c_void) -> Code,
    get_function: unsafe extern "C" fn(*mut Function, *mut c_void, *const c_char) -> Code,
    allocate_host: unsafe extern "C" fn(*mut *mut c_void, usize, c_uint) -> Code,
    device_pointer: unsafe extern "C" fn(*mut u64, *mut c_void, c_uint) -> Code,
    launch: LaunchKernel,
    is_capturing: unsafe extern "C" fn(*mut c_void, *mut c_int) -> Code,
    query_stream: unsafe extern "C" fn(*mut c_void) -> Code,
    describe: unsafe extern "C" fn(Code, *mut *const c_char) -> Code,
}

type LaunchKernel = unsafe extern "C" fn(
    Function,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    *mut c_void,
    *mut *mut c_void,
    *mut *mut c_void,
) -> Code;

impl Driver {
    /// The driver of this process.
    ///
    /// # Errors
    /// [`Error::Cuda`] where there is none.
    pub(super) fn get() -> Result<&'static Self> {
        static DRIVER: OnceLock<Result<Driver, String>> = OnceLock::new();
        let loaded = DRIVER.get_or_init(|| Self::load().map_err(|error| error.to_string()));
        loaded.as_ref().map_err(|detail| Error::Cuda { action: "load the driver of", detail: detail.clone() })
    }

    fn load() -> Result<Self, libloading::Error> {
        // SAFETY: the driver's library is made to be loaded; the functions have these types in its header, cuda.h. It is never
        // unloaded, so the functions stay.
        unsafe {
            let library: &'static Library = Box::leak(Box::new(Library::new(NAME)?));
            Ok(Self {
                device_get: *library.get(b"cuDeviceGet\0")?,
                primary_context: *library.get(b"cuDevicePrimaryCtxRetain\0")?,
                push_context: *library.get(b"cuCtxPushCurrent_v2\0")?,
                pop_context: *library.get(b"cuCtxPopCurrent_v2\0")?,
                load_module: *library.get(b"cuModuleLoadData\0")?,
                get_function: *library.get(b"cuModuleGetFunction\0")?,
                allocate_host: *library.get(b"cuMemHostAlloc\0")?,
                device_pointer: *library.get(b"cuMemHostGetDevicePointer_v2\0")?,
                launch: *library.get(b"cuLaunchKernel\0")?,
                is_capturing: *library.get(b"cuStreamIsCapturing\0")?,
                query_stream: *library.get(b"cuStreamQuery\0")?,
                describe: *library.get(b"cuGetErrorString\0")?,
            })
        }
    }

    fn check(&self, action: &'static str, code: Code) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        let mut text: *const c_char = ptr::null();
        // SAFETY: the text is a constant of the library, or stays null.
        let detail = unsafe {
            (self.describe)(code, &raw mut text);
            if text.is_null() {
                format!("error {code}")
            } else {
                format!("{} (error {code})", CStr::from_ptr(text).to_string_lossy())
            }
        };
        Err(Error::Cuda { action, detail })
    }

    /// The context of a device, by its ordinal.
    pub(super) fn context(&self, ordinal: c_int) -> Result<Context> {
        let (mut device, mut context) = (0, ptr::null_mut());
        // SAFETY: both answers have a place.
        unsafe {
            self.check("find", (self.device_get)(&raw mut device, ordinal))?;
            self.check("use", (self.primary_context)(&raw mut context, device))?;
        }
        Ok(context)
    }

    /// What `call` does in that context, whatever context the thread has.
    pub(super) fn within<T>(&self, context: Context, call: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut popped = ptr::null_mut();
        // SAFETY: the context is one of a device, which lives as long as the process.
        self.check("use", unsafe { (self.push_context)(context) })?;
        let done = call();
        // SAFETY: what was pushed is popped.
        self.check("leave", unsafe { (self.pop_context)(&raw mut popped) })?;
        done
    }

    /// A kernel of a program in PTX, which ends in a NUL. In a context.
    pub(super) fn kernel(&self, program: &str, name: &CStr) -> Result<Function> {
        debug_assert!(program.ends_with('\0'));
        let (mut module, mut function) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the program ends in a NUL, and the answers have a place. The module is never unloaded.
        unsafe {
            self.check("load a kernel for", (self.load_module)(&raw mut module, program.as_ptr().cast()))?;
            self.check("load a kernel for", (self.get_function)(&raw mut function, module, name.as_ptr()))?;
        }
        Ok(function)
    }

    /// Memory of the host that devices may write to, and its address for them; never freed. In a context.
    pub(super) fn mapped_memory(&self, bytes: usize) -> Result<(*mut c_void, u64)> {
        let (mut host, mut address) = (ptr::null_mut(), 0);
        // SAFETY: the answers have a place.
        unsafe {
            let allocated = (self.allocate_host)(&raw mut host, bytes, PORTABLE_AND_MAPPED);
            self.check("allocate memory that is shared with", allocated)?;
            self.check("map memory for", (self.device_pointer)(&raw mut address, host, 0))?;
        }
        Ok((host, address))
    }

    /// Starts a kernel of one block on a stream. In the stream's context.
    ///
    /// # Safety
    /// The parameters point to what the kernel takes, in its order, and what it reads and writes stays until it has run.
    pub(super) unsafe fn launch(
        &self,
        kernel: Function,
        threads: c_uint,
        stream: usize,
        parameters: &mut [*mut c_void],
    ) -> Result<()> {
        // SAFETY: the caller's promise.
        let code = unsafe {
            (self.launch)(
                kernel,
                1,
                1,
                1,
                threads,
                1,
                1,
                0,
                stream as *mut c_void,
                parameters.as_mut_ptr(),
                ptr::null_mut(),
            )
        };
        self.check("start a kernel on", code)
    }

    /// Whether what is given to a stream is captured into a graph instead of done. In the stream's context.
    pub(super) fn is_capturing(&self, stream: usize) -> Result<bool> {
        let mut status = 0;
        // SAFETY: the answer has a place.
        self.check("ask", unsafe { (self.is_capturing)(stream as *mut c_void, &raw mut status) })?;
        Ok(status != 0)
    }

    /// Whether the device still works. In its context.
    ///
    /// # Errors
    /// What befell it.
    pub(super) fn is_working(&self) -> Result<()> {
        const NOT_READY: Code = 600;
        // SAFETY: the default stream is always there.
        match unsafe { (self.query_stream)(ptr::null_mut()) } {
            NOT_READY => Ok(()),
            code => self.check("go on with", code),
        }
    }
}
