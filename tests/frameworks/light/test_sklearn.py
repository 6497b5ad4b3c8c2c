"""`runlake.sklearn` with the real scikit-learn."""

import numpy as np
import pandas as pd
import pytest
import recorded
from broken import BrokenRun
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the import below possible
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import runlake as rl
import runlake.sklearn

GRID = {"logisticregression__C": [0.01, 1.0, 100.0]}


def pipeline():
    return make_pipeline(StandardScaler(), LogisticRegression())


@pytest.fixture
def data(two_classes):
    return two_classes[0]


def test_an_estimator_comes_back_fitted_and_its_run_is_finished(lake, data):
    made = LogisticRegression(C=0.5)
    assert runlake.sklearn.fit(made, *data, project="p", lake=lake) is made
    assert made.predict(data[0]).shape == (300,)
    row = recorded.only_run(lake)
    assert row["status"] == "finished"
    assert row["config.class"] == "LogisticRegression"
    assert row["config.C"] == 0.5
    assert (row["config.data.rows"], row["config.data.features"]) == (300, 5)
    assert row["summary.fit_secs"] > 0


def test_parameters_of_nested_estimators_stand_below_their_names(lake, data):
    vote = VotingClassifier([("tree", DecisionTreeClassifier(max_depth=3)), ("off", "drop")])
    made = make_pipeline(StandardScaler(with_mean=False), vote)
    runlake.sklearn.fit(made, *data, project="p", lake=lake, config={"memory": "mine"})
    config = recorded.under("config/", recorded.attributes(lake))
    assert config["class"] == "Pipeline"
    assert config["memory"] == "mine"  # what the user set stays
    assert config["standardscaler/class"] == "StandardScaler"
    assert config["standardscaler/with_mean"] is False
    assert config["votingclassifier/voting"] == "hard"
    assert config["votingclassifier/tree/max_depth"] == 3
    assert config["votingclassifier/off"] == "drop"
    assert not [path for path in config if "steps" in path or "__" in path]


def test_each_fold_is_a_child_with_its_scores(lake, data):
    folds = KFold(4, shuffle=True, random_state=0)
    with rl.init(project="p", lake=lake) as run:
        runlake.sklearn.fit(pipeline(), *data, run=run, cv=folds, scoring=["accuracy", "roc_auc"])
        assert not run.finished
    scores = cross_validate(
        pipeline(), *data, cv=folds, scoring=["accuracy", "roc_auc"], return_train_score=True
    )
    found = recorded.children(lake)
    assert list(found) == [f"fold {nth}" for nth in range(4)]
    for nth, row in enumerate(found.values()):
        assert row["parent"] == run.id
        assert row["config.fold"] == nth
        assert row["summary.test.accuracy"] == scores["test_accuracy"][nth]
        assert row["summary.train.roc_auc"] == scores["train_roc_auc"][nth]
    parent = recorded.attributes(lake, run.id)
    assert parent["summary/cv/roc_auc"] == pytest.approx(scores["test_roc_auc"].mean())
    assert parent["summary/cv/accuracy_std"] == pytest.approx(scores["test_accuracy"].std())


def test_importances_have_the_names_of_features(lake, data):
    x, y = data
    frame = pd.DataFrame(x, columns=list("abcde"))
    made = RandomForestClassifier(5, random_state=0)
    runlake.sklearn.fit(made, frame, y, project="p", lake=lake)
    found = recorded.under("summary/importance/", recorded.attributes(lake))
    assert found == dict(zip("abcde", made.feature_importances_, strict=True))


def test_coefficients_of_the_last_step_have_the_names_it_gets(lake, data):
    made = runlake.sklearn.fit(pipeline(), *data, project="p", lake=lake)
    found = recorded.under("summary/coef/", recorded.attributes(lake))
    names = made[:-1].get_feature_names_out()
    assert found == dict(zip(names, made[-1].coef_[0], strict=True))


def test_coefficients_of_several_classes_stand_below_the_class(lake, data):
    x, _ = data
    y = np.digitize(x[:, 0], [-0.5, 0.5])
    made = runlake.sklearn.fit(LogisticRegression(), x, y, project="p", lake=lake)
    found = recorded.under("summary/coef/", recorded.attributes(lake))
    assert found["2/x0"] == made.coef_[2][0]
    assert len(found) == 15


def test_of_very_many_features_the_largest_are_kept(lake):
    chance = np.random.default_rng(0)
    x = chance.normal(size=(300, 250))
    made = runlake.sklearn.fit(LinearRegression(), x, x @ np.arange(250), project="p", lake=lake)
    found = recorded.under("summary/coef/", recorded.attributes(lake))
    assert set(found) == {f"x{nth}" for nth in range(150, 250)}
    assert found["x249"] == made.coef_[249]


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(pipeline(), GRID, cv=3, return_train_score=True),
        RandomizedSearchCV(pipeline(), GRID, n_iter=2, cv=3, random_state=0),
        HalvingGridSearchCV(pipeline(), GRID, cv=3, random_state=0, factor=2),
    ],
    ids=lambda search: type(search).__name__,
)
def test_each_candidate_of_a_search_is_a_child(lake, data, search):
    with rl.init(project="p", lake=lake) as run:
        runlake.sklearn.fit(search, *data, run=run)
    results = search.cv_results_
    found = list(recorded.children(lake).values())
    assert len(found) == len(results["params"])
    for nth, row in enumerate(found):
        c = results["params"][nth]["logisticregression__C"]
        assert row["config.logisticregression.C"] == c
        assert row["summary.test.score"] == results["mean_test_score"][nth]
        assert row["summary.test.score_std"] == results["std_test_score"][nth]
        assert row["summary.rank"] == results["rank_test_score"][nth]
        assert row["summary.fit_secs"] == results["mean_fit_time"][nth]
        splits = [results[f"split{split}_test_score"][nth] for split in range(3)]
        assert recorded.curve(lake, "split/test/score", row["id"]) == list(enumerate(splits))
        if "iter" in results:
            assert row["summary.iter"] == results["iter"][nth]
            assert row["summary.n_resources"] == results["n_resources"][nth]
    parent = recorded.attributes(lake, run.id)
    assert parent["summary/best_score"] == search.best_score_
    assert parent["summary/best_index"] == search.best_index_
    best = search.best_params_["logisticregression__C"]
    assert parent["summary/best_params/logisticregression/C"] == best
    assert parent["config/class"] == type(search).__name__
    assert parent["config/cv"] == 3
    assert len(recorded.under("summary/coef/", parent)) == 5


def test_candidates_that_are_estimators_are_named(lake, data):
    search = GridSearchCV(
        pipeline(), {"logisticregression": [SVC(), DecisionTreeClassifier()]}, cv=2
    )
    runlake.sklearn.fit(search, *data, project="p", lake=lake)
    rows = recorded.children(lake).values()
    assert [row["config.logisticregression"] for row in rows] == ["SVC", "DecisionTreeClassifier"]


def test_several_scores_of_a_search_are_told_apart(lake, data):
    search = GridSearchCV(pipeline(), GRID, cv=2, scoring=["accuracy", "roc_auc"], refit=False).fit(
        *data
    )
    runlake.sklearn.record(search, project="p", lake=lake)
    row = recorded.children(lake)["candidate 1"]
    assert row["summary.test.roc_auc"] == search.cv_results_["mean_test_roc_auc"][1]
    assert row["summary.rank.accuracy"] == search.cv_results_["rank_test_accuracy"][1]


def test_what_has_no_targets_and_no_importances_is_recorded(lake, data):
    made = runlake.sklearn.fit(KMeans(2, n_init=1, random_state=0), data[0], project="p", lake=lake)
    assert made.labels_.shape == (300,)
    assert recorded.only_run(lake)["config.n_clusters"] == 2


def test_what_else_fit_takes_is_handed_on(lake, data):
    x, y = data
    weights = np.where(y == 1, 1.0, 0.0)
    made = DecisionTreeClassifier()
    runlake.sklearn.fit(made, x, y, project="p", lake=lake, cv=2, params={"sample_weight": weights})
    assert set(made.predict(x)) == {1}


def test_an_error_of_the_estimator_is_raised_and_the_run_failed(lake, data):
    with pytest.raises(ValueError, match="C"):
        runlake.sklearn.fit(LogisticRegression(C=-1.0), *data, project="p", lake=lake)
    assert recorded.only_run(lake)["status"] == "failed"


def test_what_a_block_fits_is_recorded_at_its_end(lake, data):
    made = LogisticRegression(C=0.5)
    with runlake.sklearn.fitting(made, project="p", lake=lake) as run:
        made.fit(*data)
        rl.log({"seen": 300})  # it is the active run
        run.summary["accuracy"] = made.score(*data)
    row = recorded.only_run(lake)
    assert row["status"] == "finished"
    assert row["config.C"] == 0.5
    assert row["summary.coef.x0"] == made.coef_[0, 0]
    assert row["summary.accuracy"] == made.score(*data)
    assert recorded.metrics(lake) == {"seen"}


def test_a_block_that_raises_has_failed(lake, data):
    made = LogisticRegression()
    with pytest.raises(KeyError), runlake.sklearn.fitting(made, project="p", lake=lake):
        made.fit(*data)
        raise KeyError
    row = recorded.only_run(lake)
    assert row["status"] == "failed"
    assert "summary.coef.x0" not in row


def test_nothing_of_scikit_learn_is_replaced(lake, data):
    before = LogisticRegression.fit, GridSearchCV.fit, cross_validate
    runlake.sklearn.fit(LogisticRegression(), *data, cv=2, project="p", lake=lake)
    assert (LogisticRegression.fit, GridSearchCV.fit, cross_validate) == before


def test_a_broken_run_does_not_keep_it_from_fitting(data):
    with pytest.warns(rl.RunlakeWarning):
        made = runlake.sklearn.fit(
            GridSearchCV(pipeline(), GRID, cv=2), *data, run=BrokenRun(), cv=2
        )
    assert made.best_params_


def test_wrong_arguments_are_told_before_anything_is_fitted(lake, data):
    made = LogisticRegression()
    with (
        rl.init(project="p", lake=lake) as run,
        pytest.raises(TypeError, match="got a run and name"),
    ):
        runlake.sklearn.fit(made, *data, run=run, name="n")
    assert not hasattr(made, "coef_")
