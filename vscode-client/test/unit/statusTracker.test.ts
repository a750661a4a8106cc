import assert from "node:assert/strict";
import { test } from "node:test";
import { laterStatus } from "../../src/statusTracker";
import { SIGNED_IN, SIGNED_OUT } from "./statuses";

test("the first status is taken as it is", () => {
  assert.equal(laterStatus(undefined, SIGNED_OUT), SIGNED_OUT);
});

test("an older revision of the same server is dropped", () => {
  assert.equal(laterStatus(SIGNED_IN, SIGNED_OUT), SIGNED_IN);
});

test("a newer revision of the same server is taken", () => {
  assert.equal(laterStatus(SIGNED_OUT, SIGNED_IN), SIGNED_IN);
});

test("another server process counts anew, so its first revision is taken", () => {
  const restarted = { ...SIGNED_OUT, serverInstanceId: "two" };
  assert.equal(laterStatus(SIGNED_IN, restarted), restarted);
});
