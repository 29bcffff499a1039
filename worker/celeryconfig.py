"""Every Celery setting, with its reason. Figures marked (measured) were: real servers, real prefork workers, real kills."""

from __future__ import annotations

from kombu import Exchange, Queue

from worker.settings import broker_tls as _broker_tls
from worker.settings import broker_url as _broker_url
from worker.settings import prepare_engines as _prepare_engines

_prepare_engines()  # before anything can import them: they read their variables once

broker_url = _broker_url()
result_backend = f"worker.adapters.chord_backend:ChordBackend+{broker_url}"
# In the URL alone, Flower would not find it, and the result backend refuse to start without it.
broker_use_ssl = redis_backend_use_ssl = _broker_tls()

# Names and ids travel, nothing else: JSON cannot carry code.
task_serializer = "json"
result_serializer = "json"
accept_content = ["json"]

# A message is done when its task is done. Without both, a killed child loses its file and the chord with it (measured).
task_acks_late = True
task_reject_on_worker_lost = True
# A task that failed or ran out of time has said so in the ledger; delivering it again would loop for ever (measured).
task_acks_on_failure_or_timeout = True

# One message a child: a slow file must not hold back the messages behind it (measured: 7 of 7 fast ones done meanwhile).
worker_prefetch_multiplier = 1
worker_disable_prefetch = True

# A file of 100 million rows takes less than an hour; the soft limit ends it as a typed outcome, the hard one kills the child.
task_soft_time_limit = 3300
task_time_limit = 3600

broker_transport_options = {
    # More than the hard limit, the longest countdown (100 s) and the longest wait for a token: else copies run (measured).
    "visibility_timeout": 7200,
    # What a dead worker held is looked for every 5 s, not every 100 s (measured: 92.7 s with kombu's defaults).
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # Who is killed while looking keeps the others from looking for so long; kombu's default is five minutes.
    "unacked_mutex_expire": 30,
    "socket_keepalive": True,
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    # A worker that serves several queues takes from the first one named that has a message: backfills wait.
    "queue_order_strategy": "priority",
    # redis-py drops a connection that died silently.
    "health_check_interval": 25,
}
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
# A broker that restarts must not make us throw away hours of work; the lease keeps the file ours.
worker_cancel_long_running_tasks_on_connection_loss = False

# A result that cannot be stored for two seconds must not turn a done file into a failed one (measured with a killed server).
result_backend_always_retry = True
# The chord's counter must outlive the slowest file; expired, the chord would hang in silence (measured).
result_chord_expires = 7 * 86400
result_expires = 86400

# A container gets SIGTERM; with REMAP_SIGTERM=SIGQUIT the children have 20 s, then their messages are put back.
worker_soft_shutdown_timeout = 20
# glibc gives back little of what polars frees; a child that grew is replaced between two files (KiB).
worker_max_memory_per_child = 768 * 1024
# A child loads its engines before it says that it is up. On a busy machine that outlasts Celery's 4 s; such children are
# killed, and a worker that cannot start them ends (measured: three workers ended so on two cores at a load of 7).
worker_proc_alive_timeout = 60
worker_hijack_root_logger = False
worker_send_task_events = True

# Short decisions must not wait behind long files. Each queue has its own exchange and key: left to defaults, both would be
# bound to the same, and every message be delivered twice.
# Backfills have files of their own queue, and file workers serve it after the other, whenever that is empty.
task_queues = tuple(Queue(name, Exchange(name), routing_key=name) for name in ("control", "files", "backfill"))
task_default_queue = "control"
task_routes = {"offgridflow.ingest_file": {"queue": "files", "routing_key": "files"}}
task_create_missing_queues = False

imports = ("tasks.coordinate", "tasks.ingest_file", "tasks.publish_run", "tasks.repair_runs", "tasks.trigger_slot")

beat_scheduler = "worker.beat.SourceScheduler"  # several beats, one schedule, with an entry for each source
# At the longest: the loop sleeps until the next entry is due, and that is the watchdog.
beat_max_loop_interval = 30
redbeat_redis_options = {"socket_timeout": 30, "socket_connect_timeout": 5, "health_check_interval": 25}
redbeat_lock_timeout = 150  # at least five times the loop interval, or the holder loses its own lock
beat_schedule = {
    "watchdog": {"task": "offgridflow.repair_runs", "schedule": 5.0, "options": {"expires": 5}},
}
