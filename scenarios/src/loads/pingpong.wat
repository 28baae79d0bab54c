;; The leanest process that still speaks the real ABI: both ends of a ping-pong, told apart by their name's first
;; letters. `ping` asks `pong:bench:alice.os` for ever, with a timeout, and receives each answer; `pong` answers.
(module
  (import "hyperware:process/standard@1.0.0" "receive" (func $receive (param i32)))
  (import "hyperware:process/standard@1.0.0" "send-request" (func $send-request (param i32)))
  (import "hyperware:process/standard@1.0.0" "send-response"
    (func $send-response (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 4096))
  (data (i32.const 16) "our")
  (data (i32.const 32) "pong")
  (data (i32.const 48) "bench")
  (data (i32.const 64) "alice.os")
  (data (i32.const 80) "ping me!")
  ;; The tuple (address, request, option context, option blob) of send-request, at 256.
  (func $address
    (i32.store (i32.const 256) (i32.const 16)) (i32.store (i32.const 260) (i32.const 3))
    (i32.store (i32.const 264) (i32.const 32)) (i32.store (i32.const 268) (i32.const 4))
    (i32.store (i32.const 272) (i32.const 48)) (i32.store (i32.const 276) (i32.const 5))
    (i32.store (i32.const 280) (i32.const 64)) (i32.store (i32.const 284) (i32.const 8))
    ;; The request: not inheriting, expects a response within 5 s, a body of 8 bytes, nothing else.
    (i32.store8 (i32.const 288) (i32.const 0))
    (i32.store8 (i32.const 296) (i32.const 1)) (i64.store (i32.const 304) (i64.const 5))
    (i32.store (i32.const 312) (i32.const 80)) (i32.store (i32.const 316) (i32.const 8)))
  ;; A bump allocator that starts over at each receive: what was received is not looked at.
  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func (export "init") (param $our i32) (param $len i32)
    (local $i i32)
    ;; `node@ping:…` or `node@pong:…`: the letter after `@p`.
    (loop $find
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $find (i32.ne (i32.load8_u (i32.add (local.get $our) (local.get $i))) (i32.const 64))))
    (call $address)
    (if (i32.eq (i32.load8_u (i32.add (local.get $our) (i32.add (local.get $i) (i32.const 2)))) (i32.const 105))
      (then (loop $ping
        (call $send-request (i32.const 256))
        (global.set $top (i32.const 4096))
        (call $receive (i32.const 1024))
        (br $ping))))
    (loop $pong
      (global.set $top (i32.const 4096))
      (call $receive (i32.const 1024))
      (call $send-response (i32.const 0) (i32.const 80) (i32.const 8) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (br $pong))))
