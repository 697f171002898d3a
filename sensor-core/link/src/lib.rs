//! Noise sessions and streams between an app and its sensors.
