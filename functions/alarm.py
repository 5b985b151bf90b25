"""CloudWatch alarms, told by the same channels as alerts but past every queue and table of ours (F5)."""

from typing import Any

from core.app.alarming import alert, read, tell
from functions._runtime import Event, Job

job = Job("alarm")


@job.log.inject_lambda_context
def handler(event: Event, context: Any) -> Event:
    wiring, told = job.begin(), []
    for record in event["Records"]:
        notice = read(record["Sns"]["Message"])
        news = alert(notice, wiring.clock())
        failed = tell(news, wiring.settings.notify.channels, wiring.notifiers)
        job.log.error("alarm", outcome=notice.new_state_value, key=news.id, alarm=notice.alarm_name, untold=failed)
        told.append(news.id)
    return {"told": told}
