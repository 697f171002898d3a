//! The wish to end that comes from outside: Ctrl-C, SIGTERM.

use std::future::Future;
use std::io;

/// From now on SIGINT and SIGTERM (elsewhere Ctrl-C) don't kill the process; the answer completes at the first one.
/// Called within a tokio runtime.
///
/// # Errors
/// They can't be listened to.
#[cfg(unix)]
pub fn listen() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// From now on SIGINT and SIGTERM (elsewhere Ctrl-C) don't kill the process; the answer completes at the first one.
/// Called within a tokio runtime.
///
/// # Errors
/// They can't be listened to.
#[cfg(windows)]
pub fn listen() -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        let _ = interrupt.recv().await;
    })
}

/// Calls `first` on a thread of its own at the first signal after this call; the second one ends the process at once.
///
/// # Errors
/// They can't be listened to.
pub fn on_terminated(first: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let signal = {
        let _within = runtime.enter();
        listen()?
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            signal.await;
            first();
            if let Ok(second) = listen() {
                second.await;
                std::process::exit(INTERRUPTED);
            }
        });
    });
    Ok(())
}

/// Calls `each` on a thread of its own at each SIGHUP from now on. There is none on Windows.
///
/// # Errors
/// It can't be listened to.
#[cfg(unix)]
pub fn on_hangup(each: impl Fn() + Send + 'static) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut hangup = {
        let _within = runtime.enter();
        signal(SignalKind::hangup())?
    };
    std::thread::spawn(move || {
        while runtime.block_on(hangup.recv()).is_some() {
            each();
        }
    });
    Ok(())
}

/// There is no SIGHUP on Windows.
///
/// # Errors
/// None.
#[cfg(windows)]
pub fn on_hangup(_: impl Fn() + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// What a shell makes of a process that SIGINT killed.
const INTERRUPTED: i32 = 130;
