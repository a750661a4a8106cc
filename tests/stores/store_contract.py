"""What every credential store promises, as one suite: a store's own tests are a subclass of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.domain.credential import ApiKeyCredential, ChatGptCredential
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.document import Document, login_document, parse_document
from e2e.shapes import id_token

if TYPE_CHECKING:
    from codex_auth_lsp.stores.base import CredentialStore

KEY = ApiKeyCredential(Secret("sk-1"))
OTHER_KEY = ApiKeyCredential(Secret("sk-2"))
LOGIN = ChatGptCredential(Secret(id_token()), Secret("at-1"), Secret("rt-1"), account_id="acct")


def store_login(
    store: CredentialStore, credential: ApiKeyCredential | ChatGptCredential
) -> Document:
    """Store a new login as the service does."""
    stored = store.update(lambda old: login_document(credential, old), over_unreadable=True)
    assert stored is not None
    return stored


class StoreContract:
    """Subclasses have a fixture `store` that is new and empty."""

    def test_empty_store_is_healthy_and_holds_nothing(self, store):
        """Being signed out is a state and no trouble."""
        snapshot = store.read()

        assert (snapshot.report.health, snapshot.document, snapshot.credential) == (
            "ok",
            None,
            None,
        )

    @pytest.mark.parametrize("credential", [KEY, LOGIN], ids=["key", "tokens"])
    def test_stored_login_is_read_back(self, store, credential):
        """What was stored is what is there, and what `update` returned."""
        stored = store_login(store, credential)

        assert credential == store.read().credential
        assert stored.members == store.read().document.members

    def test_merge_is_given_what_is_stored_now(self, store):
        """So that a refresh can see that somebody else was quicker."""
        given = []

        def merge(document):
            given.append(document.credential if document else None)
            return login_document(OTHER_KEY if given[-1] else KEY, document)

        store.update(merge, over_unreadable=True)
        store.update(merge)

        assert given == [None, KEY]
        assert store.read().credential == OTHER_KEY

    def test_merge_that_wants_no_change_makes_none(self, store):
        """The version tells that nothing happened."""
        store_login(store, KEY)
        before = store.read()

        assert store.update(lambda _: None) is None
        assert (before.version, KEY) == (store.read().version, store.read().credential)

    def test_merge_that_fails_leaves_the_old_login(self, store):
        """Its error arrives where the store was asked, and the store goes on."""
        store_login(store, KEY)

        def merge(_):
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            store.update(merge)
        assert store.read().credential == KEY
        assert store_login(store, OTHER_KEY).credential == store.read().credential

    def test_version_tells_contents_apart_and_nothing_else(self, store):
        """Equal content has an equal version, also after it was another."""
        versions = [store.read().version]
        for credential in (KEY, KEY, OTHER_KEY, KEY):
            store_login(store, credential)
            versions.append(store.read().version)
        store.remove()
        versions.append(store.read().version)
        empty, key, same, other, again, gone = versions

        assert key == same == again
        assert len({empty, key, other}) == 3
        assert empty == gone

    def test_unknown_members_survive_a_new_login(self, store):
        """Another program's additions stay where they are."""
        other = parse_document(b'{"OPENAI_API_KEY": "sk-0", "x_future": [1.50]}')
        store.update(lambda _: other, over_unreadable=True)
        store_login(store, LOGIN)

        assert store.read().document.members["x_future"][0].text == "1.50"

    @pytest.mark.parametrize("credential", [KEY, LOGIN], ids=["key", "tokens"])
    def test_removal_returns_what_was_there(self, store, credential):
        """So that it can be revoked."""
        store_login(store, credential)

        removed = store.remove()

        assert (removed.credential, removed.others) == (credential, ())
        assert removed.stores == (store.read().report.backend,)
        assert store.read().credential is None

    def test_removal_of_nothing_is_none(self, store):
        """Twice is as good as once; what could not be looked at may be told."""

        def removed_stores() -> tuple[str, ...]:
            removed = store.remove()
            return () if removed is None else removed.stores

        assert removed_stores() == ()
        store_login(store, KEY)
        assert [len(removed_stores()), len(removed_stores())] == [1, 0]

    def test_check_before_a_login_leaves_no_trace(self, store):
        """It is asked before a browser opens, whoever is signed in."""
        store.check_writable()
        assert store.read().document is None
        store_login(store, KEY)
        before = store.read()
        store.check_writable()

        assert before == store.read()
