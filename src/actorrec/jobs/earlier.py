"""A job that does, or did, the very work that is about to be started."""

from actorrec.aws.session import AwsSession
from actorrec.jobs.plans import JobPlan
from actorrec.jobs.state import asking

_LOOKED_AT = 20


def find_earlier(aws: AwsSession, plan: JobPlan) -> tuple[str, bool] | None:
    """The newest job of the same work that did not fail.

    Args:
        aws: Makes the client.
        plan: Its name says what its work is.

    Returns:
        Its name, and whether it has ended; None if there is none.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
    work, title = plan.work, plan.kind.capitalize()
    with asking(aws, "look for an earlier job of the same work", f"sagemaker:List{title}Jobs"):
        client = aws.client("sagemaker")
        listed = client.list_training_jobs if plan.kind == "training" else client.list_processing_jobs
        found = listed(NameContains=work, SortBy="CreationTime", SortOrder="Descending", MaxResults=_LOOKED_AT)
    for each in found[f"{title}JobSummaries"]:
        name, status = str(each[f"{title}JobName"]), each[f"{title}JobStatus"]
        if name.startswith(f"{work}-") and status in ("InProgress", "Completed"):
            return name, status == "Completed"
    return None
