//! Nightjar sensor: library behind the `sensord` command.
