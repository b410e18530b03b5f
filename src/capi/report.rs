//! Why a configuration was refused.

use std::ffi::c_char;
use std::ptr;

use super::guard_or;
use super::output::{Text, give};
use super::status::auth_status;
use crate::error::Report;

/// Why a configuration cannot be used: one problem and its place.
///
/// Methods: auth_report_file, auth_report_line, auth_report_column,
/// auth_report_text, auth_report_remedy, auth_report_message,
/// auth_report_free.
pub struct auth_report {
    report: Report,
    file: Text,
    text: Text,
    remedy: Text,
    message: Text,
}

/// Hands a report to a caller who may not want it.
///
/// # Safety
/// `why` is NULL or valid for a write.
pub(super) unsafe fn refuse(why: *mut *mut auth_report, report: Report) -> auth_status {
    if !why.is_null() {
        let made = auth_report {
            report,
            file: Text::default(),
            text: Text::default(),
            remedy: Text::default(),
            message: Text::default(),
        };
        // SAFETY: not NULL; writable by contract.
        unsafe { give(why, made) };
    }
    auth_status::AUTH_ECONFIG
}

/// The file as it was named; "(text)" for a configuration given as text.
///
/// Ownership: borrowed from the report. Threads: one at a time. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_report_file(report: Option<&auth_report>) -> *const c_char {
    guard_or(ptr::null(), || report.map_or(ptr::null(), |r| r.file.of(|| r.report.file.clone())))
}

/// The line, counted from 1; 0 when the problem has none.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: the line; 0 for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_report_line(report: Option<&auth_report>) -> u32 {
    report.map_or(0, |r| r.report.line)
}

/// The column in characters, counted from 1; 0 without a line.
///
/// Ownership: none. Threads: any. Blocks: never.
/// Returns: the column; 0 for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_report_column(report: Option<&auth_report>) -> u32 {
    report.map_or(0, |r| r.report.column)
}

/// What is wrong. Never holds a secret.
///
/// Ownership: borrowed from the report. Threads: one at a time. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_report_text(report: Option<&auth_report>) -> *const c_char {
    guard_or(ptr::null(), || report.map_or(ptr::null(), |r| r.text.of(|| r.report.text.clone())))
}

/// What was expected and what is known; empty when there is nothing to add.
///
/// Ownership: borrowed from the report. Threads: one at a time. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_report_remedy(report: Option<&auth_report>) -> *const c_char {
    guard_or(ptr::null(), || report.map_or(ptr::null(), |r| r.remedy.of(|| r.report.remedy.clone())))
}

/// The whole report in one line: `file:line:column: text (remedy)`.
///
/// Ownership: borrowed from the report. Threads: one at a time. Blocks: never.
/// Returns: a text, or NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_report_message(report: Option<&auth_report>) -> *const c_char {
    guard_or(ptr::null(), || report.map_or(ptr::null(), |r| r.message.of(|| r.report.to_string())))
}

/// Frees a report; NULL does nothing.
///
/// Ownership: takes the report. Threads: any. Blocks: never.
/// Returns: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_report_free(report: Option<Box<auth_report>>) {
    guard_or((), || drop(report));
}
