"""What is selected <-> the URL, on a screen of its own."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def screen():
    import streamlit as st

    from explorer import state

    state.read("screen")
    spaces = {"first": ["p1", "p2", "p3"], "second": ["q1", "p2"]}
    space = st.selectbox("Space", list(spaces), **state.bound("space", list(spaces)))
    a = st.selectbox("A", spaces[space], **state.bound("a", spaces[space], what="instance"))
    st.text(f"{space} {a} {state.gamma()}")
    if st.button("Quarter"):
        state.remember(gamma=0.25, b=None)
    st.button("Look", on_click=lambda: state.remember(camera="1_2_3"))
    st.button("Back", on_click=lambda: st.session_state.update(said=state.step(back=True)))
    st.button("Again", on_click=lambda: st.session_state.update(said=state.step(back=False)))
    state.write()


def run(**query: str) -> AppTest:
    app = AppTest.from_function(screen)
    app.query_params.update(query)
    return app.run()


def url(app: AppTest) -> dict[str, str]:
    return dict(app.query_params)


def test_what_the_url_says_is_selected():
    app = run(space="second", a="p2", gamma="0.75")
    assert app.text[0].value == "second p2 0.75" and not app.warning


def test_defaults_come_into_the_url():
    assert url(run()) == {"space": "first", "a": "p1", "gamma": "0.5"}


def test_a_widget_changes_the_url():
    app = run(space="first", a="p1", gamma="0.1")
    app.selectbox[1].select("p3").run()
    assert app.text[0].value == "first p3 0.1"
    assert url(app) == {"space": "first", "a": "p3", "gamma": "0.1"}


def test_another_space_forgets_what_named_instances_of_the_old_one_and_keeps_gamma():
    app = run(space="first", a="p2", gamma="0.1", b="p3")
    app.selectbox[0].select("second").run()
    assert app.text[0].value == "second q1 0.1"  # not p2, though there is one of that name
    assert url(app) == {"space": "second", "a": "q1", "gamma": "0.1"}


def test_remember_is_in_the_url():
    app = run(space="first", a="p2", b="p3")
    app.button[0].click().run()
    assert url(app) == {"space": "first", "a": "p2", "gamma": "0.25"}


def test_each_wrong_value_is_told_once_and_falls_back():
    for query in (
        {"space": "frist"},
        {"a": "`<b>x</b>`[y](http://z)"},
        {"gamma": "2"},
        {"gamma": "nan"},
        {"gamma": "-inf"},
        {"gamma": "half"},
    ):
        app = run(**query)
        assert not app.exception
        assert app.text[0].value == "first p1 0.5"
        assert len(app.warning) == 1 and "Showing" in app.warning[0].value
        assert url(app) == {"space": "first", "a": "p1", "gamma": "0.5"}
    assert "Did you mean 'first'?" in run(space="frist").warning[0].value
    assert "[y](http://z)" not in run(a="`[y](http://z)").warning[0].value.split("`")[0::2]


def test_a_message_stays_until_something_else_is_chosen():
    app = run(a="p9")
    app.run()
    assert len(app.warning) == 1
    app.selectbox[1].select("p2").run()
    assert not app.warning


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_steps_go_back_to_the_start_and_forward_again_and_looking_around_is_none():
    app = run(space="first", a="p2", gamma="0.1", b="p3")
    walk = [url(app)]
    for act in (
        lambda: app.selectbox[1].select("p3").run(),
        lambda: press(app, "Quarter"),
        lambda: app.selectbox[0].select("second").run(),
        lambda: app.selectbox[1].select("p2").run(),
    ):
        act()
        walk.append(url(app))
    press(app, "Look")
    for then in reversed(walk[:-1]):
        press(app, "Back")
        assert {**url(app), "camera": ""} == {**then, "camera": ""}
    press(app, "Back")
    assert app.session_state["said"] == "" and url(app)["a"] == "p2"
    for then in walk[1:]:
        press(app, "Again")
        assert url(app) == {**then, "camera": "1_2_3"}
    press(app, "Back")
    app.selectbox[1].select("p2").run()
    press(app, "Again")
    assert app.session_state["said"] == "", "another choice has ended what could be selected again"


def test_steps_of_another_page_are_forgotten():
    app = run(space="first", a="p2")
    app.selectbox[1].select("p3").run()
    app.session_state["_screen"] = "elsewhere"
    press(app.run(), "Back")
    assert url(app)["a"] == "p3" and app.session_state["said"] == ""
