//! Serves viewers over the Noise link.
