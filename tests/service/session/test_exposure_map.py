from planner.geometry.rects import grown
from service.model.jobs import JobState
from service.model.specimen import FieldState
from service.session import exposure_map
from service.store.store import Store
from tests.service.store.stores import UM, job, queue_jobs, rect, save_field


def expose(store: Store, number: int) -> None:
    exposure = store.ledger.arm(f"J{number:06d}", job(number).rect_m, 0.5 * UM)
    store.ledger.done(exposure.id)


def test_ground_is_touched_as_far_as_the_halo_reaches(store: Store) -> None:
    queue_jobs(store)
    expose(store, 1)
    _, y0, x1, y1 = job(1).rect_m
    assert exposure_map.touched(store, (x1 + 0.4 * UM, y0, x1 + 9 * UM, y1))
    assert not exposure_map.touched(store, (x1 + 0.6 * UM, y0, x1 + 9 * UM, y1))


def test_ground_counts_as_imaged_only_once_its_job_is_done(store: Store) -> None:
    queue_jobs(store)
    expose(store, 1)
    assert exposure_map.imaged(store, "S0001") == ()
    store.queue.set_state("J000001", JobState.SAVED, image="em/S0001/J000001.ome.tiff", sha256="0" * 64)
    store.queue.set_state("J000001", JobState.DONE)
    assert exposure_map.imaged(store, "S0001") == (job(1).rect_m,)
    assert exposure_map.imaged(store, "S0002") == ()
    # Nobody knows what a failed scan has shown.
    exposure = store.ledger.arm("J000002", job(2).rect_m, 0.5 * UM)
    store.ledger.failed(exposure.id, "the beam was lost")
    assert exposure_map.imaged(store, "S0001") == (job(1).rect_m,)
    # Its image is not saved yet.
    expose(store, 3)
    assert exposure_map.imaged(store, "S0001") == (job(1).rect_m,)


def test_a_frame_waits_for_fields_in_its_reach_and_stays_on_saved_ground(store: Store) -> None:
    # Fields of S0001: F000 at x 1000 to 1091 um, y 0 to 91 um, saved; F001 at y and x 100 um on, pending.
    queue_jobs(store)
    inside = rect(1030, 30)
    assert exposure_map.unsaved(store, "S0001", inside, 2 * UM) is None
    beside = rect(1083, 83)
    assert exposure_map.unsaved(store, "S0001", beside, 2 * UM) == "the ground around it"
    # A plan goes right to the border, and its rounding a hair beyond.
    x0, y0, x1, y1 = rect(1002, 2)
    assert exposure_map.unsaved(store, "S0001", (x0, y0 - 1.1e-13, x1, y1), 2 * UM) is None
    assert exposure_map.unsaved(store, "S0001", (x0, y0 - 1e-10, x1, y1), 2 * UM) == "the ground around it"
    pending = next(f for f in store.specimen.fields() if f.id == "S0001/F001")
    at_its_edge = grown(pending.rect_m, -85 * UM / 2)
    assert exposure_map.unsaved(store, "S0001", at_its_edge, 2 * UM) == "S0001/F001"
    assert [f.id for f in exposure_map.waiting(store, at_its_edge)] == ["S0001/F001"]
    save_field(store, "S0001/F001")
    assert exposure_map.unsaved(store, "S0001", at_its_edge, 2 * UM) is None


def test_a_field_of_another_section_is_waited_for_as_well(store: Store) -> None:
    queue_jobs(store)
    other = next(f for f in store.specimen.fields() if f.id == "S0002/F000")
    assert other.state is FieldState.PENDING
    assert exposure_map.unsaved(store, "S0001", grown(other.rect_m, -30 * UM), 2 * UM) == "S0002/F000"
