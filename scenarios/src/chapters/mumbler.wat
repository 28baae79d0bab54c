;; Waits for a message, and panics with last words that are not UTF-8. Calls: `receive`.
(module
  (import "hyperware:process/standard@1.0.0" "receive" (func $receive (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  ;; One buffer: five bytes at 16.
  (data (i32.const 0) "\10\00\00\00\05\00\00\00")
  (data (i32.const 16) "m\ffh\feh")
  ;; What it receives is put into the second page, and read by nobody.
  (global $next (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param $old i32) (param $n i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func (export "init") (param $our i32) (param $our-n i32)
    (call $receive (i32.const 1024))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    unreachable))
