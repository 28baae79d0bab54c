//! Every boundary between two operations of the disk, in the work of two hundred transactions.
