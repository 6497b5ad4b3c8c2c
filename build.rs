//! Tells the compiler what kind of Python the binding is built for: `Py_GIL_DISABLED` on a free-threaded one.

fn main() {
    #[cfg(feature = "python")]
    pyo3_build_config::use_pyo3_cfgs();
}
