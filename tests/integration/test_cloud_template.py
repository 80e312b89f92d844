"""What the stack allows: read out of the template, parameters put in, and decided as AWS decides."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cfnlint")

from actorrec.aws.places import CloudPlace
from actorrec.cloud.settings import StackSettings
from actorrec.cloud.template import template_path, template_resources, template_text
from actorrec.config import Config
from actorrec.jobs.packing import pack_listing
from actorrec.jobs.processing import plan_processing
from actorrec.jobs.sourcedir import SourceDir
from actorrec.jobs.training import plan_training
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.shard import SENT_PICTURES, ListedPhoto, PhotoListing
from policies import ACCOUNT, Filled, allowed, as_list, denied, granted, stack_template
from stored_chains import TEMPLATE as FACES

CODE = SourceDir(Path("/nowhere/sourcedir.tar.gz"), "c0de" * 16, 1)
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0f-0f"
VARIANTS: dict[str, dict[str, str]] = {
    "bucket made up": {},
    "bucket named": {"BucketName": "my-bucket"},
    "bucket there": {"ExistingBucket": "my-bucket"},
    "everything": {
        "BucketName": "my-bucket", "KmsKeyArn": KEY, "InVpc": "true", "RetentionDays": "7",
        "LambdaKey": "actorrec/lambda/0123456789abcdef/actorrec-lambda.zip",
    },
}  # fmt: skip
READS = ("Get", "List", "Describe", "BatchGet", "BatchCheck", "Resolve")


@pytest.fixture(params=VARIANTS, ids=list(VARIANTS))
def stack(request: pytest.FixtureRequest) -> Filled:
    return Filled(stack_template(), VARIANTS[request.param])


def named(**more: str) -> Filled:
    return Filled(stack_template(), {"BucketName": "my-bucket", **more})


def policies_of(stack: Filled) -> dict[str, list[dict[str, Any]]]:
    return {
        "jobs": stack.statements("SageMakerRole"),
        "device's role": stack.statements("TokenExchangeRole"),
        "device's certificate": stack.resources["DevicePolicy"]["PolicyDocument"]["Statement"],
        "archive": stack.statements("EventsRole"),
        "function": stack.statements("OtaRole") if "OtaRole" in stack.resources else [],
    }


NO_RESOURCE = {
    ("cloudwatch", "PutMetricData"): {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
    ("greengrass", "CreateDeployment"): {},  # what it may be for is said by iot:CreateJob, of which it consists
}
"""Writing actions of which AWS knows no resource, and the condition that stands for it."""


def test_cfn_lint_finds_nothing() -> None:
    lint = [sys.executable, "-c", "from cfnlint.runner import main; main()", str(template_path())]
    done = subprocess.run(lint, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_template_is_small_enough_to_be_sent_and_says_what_each_part_is_for() -> None:
    assert len(template_text().encode()) < 51_200
    assert all(resource.purpose for resource in template_resources(template_text()))


def test_no_action_is_a_wildcard_and_nothing_writes_everywhere(stack: Filled) -> None:
    for name, statements in policies_of(stack).items():
        for action, resource, condition in granted(statements):
            assert "*" not in action, name
            service, _, verb = action.partition(":")
            if resource == "*" and not verb.startswith(READS):
                assert condition == NO_RESOURCE[service, verb], (name, action)
            assert service != "s3" or resource.startswith("arn:aws:s3:::my-bucket") or "made-up" in resource


def test_the_bucket_is_private_versioned_encrypted_and_kept() -> None:
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        assert {stack_template()["Resources"][each][name] for each in ("Bucket", "BucketPolicy")} == {"Retain"}
    bucket = named().resources["Bucket"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    (rule,) = named(KmsKeyArn=KEY).resources["Bucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}


def test_what_is_no_longer_needed_expires() -> None:
    rules = named(RetentionDays="7").resources["Bucket"]["LifecycleConfiguration"]["Rules"]
    by_id = {rule.pop("Id"): rule for rule in rules}
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    assert by_id["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert by_id["older-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": "7"}
    expiring = [rule for rule in rules if "ExpirationInDays" in rule]
    passing = ("checkpoints", "photos", "listings", "shards")
    prefixes = {f"actorrec/jobs/{each}/" for each in passing} | {"actorrec/events/"}
    assert {rule["Prefix"] for rule in expiring} == prefixes  # no artifact ever
    assert {rule["ExpirationInDays"] for rule in expiring} == {"7"}
    soon = {name for name, rule in by_id.items() if rule.get("NoncurrentVersionExpiration") == {"NoncurrentDays": 1}}
    assert soon == {"checkpoints", "pictures", "listings", "shards", "events"}, "gone a day later, with no version kept"


@pytest.mark.parametrize("resource", ["arn:aws:s3:::my-bucket", "arn:aws:s3:::my-bucket/actorrec/x"])
@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteBucket"])
def test_without_tls_nobody_may_anything(action: str, resource: str) -> None:
    policy = named().resources["BucketPolicy"]
    assert policy["Bucket"] == "my-bucket"
    statements = policy["PolicyDocument"]["Statement"]
    assert all(statement["Principal"] == "*" for statement in statements)
    assert denied(statements, action, resource, {"aws:SecureTransport": "false"})
    assert denied(statements, action, resource, {"aws:SecureTransport": "true", "s3:TlsVersion": "1.1"})
    assert not denied(statements, action, resource, {"aws:SecureTransport": "true", "s3:TlsVersion": "1.2"})


def test_a_bucket_that_was_there_is_left_alone() -> None:
    there = Filled(stack_template(), VARIANTS["bucket there"])
    assert not {"Bucket", "BucketPolicy"} & there.resources.keys()
    assert there.output("BucketName") == "my-bucket" and there.output("StoreUri") == "s3://my-bucket/actorrec"
    assert allowed(there.statements("SageMakerRole"), "s3:GetObject", "arn:aws:s3:::my-bucket/actorrec/dataset/a/b")


@pytest.mark.parametrize(
    ("role", "service"),
    [
        ("SageMakerRole", "sagemaker.amazonaws.com"),
        ("TokenExchangeRole", "credentials.iot.amazonaws.com"),
        ("EventsRole", "iot.amazonaws.com"),
    ],
)
def test_a_role_trusts_one_service_for_one_account(stack: Filled, role: str, service: str) -> None:
    (trust,) = stack.resources[role]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": service} and trust["Action"] == "sts:AssumeRole"
    trust = trust | {"Resource": "*"}
    assert allowed([trust], "sts:AssumeRole", "*", {"aws:SourceAccount": ACCOUNT})
    assert not allowed([trust], "sts:AssumeRole", "*", {"aws:SourceAccount": "999999999999"})


@pytest.mark.parametrize("prefix", ["components", "edge/parts"])
def test_a_device_reads_its_components_and_nothing_else(prefix: str) -> None:
    statements = named(ComponentPrefix=prefix).statements("TokenExchangeRole")
    inside = f"arn:aws:s3:::my-bucket/actorrec/{prefix}/face/1.0.0/bundle.zip"
    assert allowed(statements, "s3:GetObject", inside)
    outside = (
        "arn:aws:s3:::my-bucket/actorrec/model/abcd/model.keras",
        "arn:aws:s3:::my-bucket/actorrec/dataset/abcd/crops/ada/1.jpg",
        "arn:aws:s3:::my-bucket/actorrec/jobs/job/output/model.tar.gz",
        f"arn:aws:s3:::my-bucket/actorrec/{prefix}-secret/x",
        f"arn:aws:s3:::my-bucket/{prefix}/x",
        f"arn:aws:s3:::other-bucket/actorrec/{prefix}/x",
    )
    assert not [resource for resource in outside if allowed(statements, "s3:GetObject", resource)]
    s3 = {action for action, _, _ in granted(statements) if action.startswith("s3:")}
    assert s3 == {"s3:GetObject", "s3:GetBucketLocation"}
    assert {r for a, r, _ in granted(statements) if a == "s3:GetObject"} == {
        f"arn:aws:s3:::my-bucket/actorrec/{prefix}/*"
    }
    logs = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group"
    assert allowed(statements, "logs:PutLogEvents", f"{logs}:/aws/greengrass/UserComponent/x:log-stream:y")
    assert not allowed(statements, "logs:PutLogEvents", f"{logs}:/aws/sagemaker/TrainingJobs:log-stream:y")


def requests_of_jobs(**more: Any) -> list[tuple[str, str]]:
    """What a job of a real plan does in S3: action and ARN."""
    config = Config.model_validate({"aws": {"region": "us-east-1"}, "remote": {"bucket": "my-bucket", **more}})
    dataset = DatasetManifest(
        key="0123456789abcdef", template=FACES, detector_id="d", embedder_id="e", people=[], images=[], faces=[]
    )
    request = plan_training(dataset, config, code=CODE, now=datetime.now(UTC), suffix="ab12").request
    submitted = json.loads(request["HyperParameters"]["sagemaker_submit_directory"])
    read = [channel["DataSource"]["S3DataSource"]["S3Uri"] + "some/file" for channel in request["InputDataConfig"]]
    checkpoint = request["CheckpointConfig"]["S3Uri"] + "/model/abcd/epoch-1"
    written = f"{request['OutputDataConfig']['S3OutputPath']}/{request['TrainingJobName']}/output/model.tar.gz"
    asked = [("s3:GetObject", uri) for uri in (*read, submitted, checkpoint)]
    asked += [("s3:PutObject", uri) for uri in (written, checkpoint)] + [("s3:DeleteObject", checkpoint)]
    return as_arns(asked)


def as_arns(asked: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(action, "arn:aws:s3:::" + uri.removeprefix("s3://")) for action, uri in asked]


def requests_of_shares(folder: Path, prefix: str) -> list[tuple[str, str]]:
    """What a job that looks at pictures does in S3: what it gets, the names in its list, and what it leaves."""
    config = Config.model_validate(
        {"aws": {"region": "us-east-1"}, "remote": {"bucket": "my-bucket", "prefix": prefix}}
    )
    place = CloudPlace.of(config)
    photo = ListedPhoto(
        person_id="ada", name="ada/1.jpg", file=f"{SENT_PICTURES}/{'ab' * 32}", sha256="ab" * 32, bytes=9
    )
    packed = pack_listing(PhotoListing(photos=[photo]), {"ab" * 32: folder / "1.jpg"}, place, folder)
    request = plan_processing(packed, config, code=CODE, now=datetime.now(UTC), suffix="ab12").request
    (sent_below, *pictures) = json.loads(packed.keys.path.read_text())
    read = [each["S3Input"]["S3Uri"] + "/file" for each in request["ProcessingInputs"]]
    read += [sent_below["prefix"] + name for name in pictures]
    (output,) = request["ProcessingOutputConfig"]["Outputs"]
    left = f"{output['S3Output']['S3Uri']}/shard/abcd/manifest.json"
    return as_arns([*(("s3:GetObject", uri) for uri in read), ("s3:PutObject", left)])


@pytest.mark.parametrize("prefix", ["actorrec", "team/faces"])
def test_a_job_may_what_its_plan_needs(prefix: str, tmp_path: Path) -> None:
    statements = named(Prefix=prefix).statements("SageMakerRole")
    training, shares = requests_of_jobs(prefix=prefix), requests_of_shares(tmp_path, prefix)
    assert (len(training), len(shares)) == (6, 5)
    asked = training + shares
    assert [one for one in asked if not allowed(statements, *one)] == []
    bucket = "arn:aws:s3:::my-bucket"
    assert allowed(statements, "s3:ListBucket", bucket, {"s3:prefix": f"{prefix}/dataset/0123456789abcdef/"})
    assert not allowed(statements, "s3:ListBucket", bucket, {"s3:prefix": "elsewhere/"})
    assert not allowed(statements, "s3:ListBucket", bucket)


def test_a_job_reads_the_store_and_changes_none_of_it() -> None:
    statements = named().statements("SageMakerRole")
    place = CloudPlace("my-bucket", "actorrec")
    store = "arn:aws:s3:::" + place.uri("model/abcd/manifest.json").removeprefix("s3://")
    assert allowed(statements, "s3:GetObject", store)
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl"):
        assert not allowed(statements, action, store)
        assert not allowed(statements, action, "arn:aws:s3:::my-bucket/actorrec/components/x")
    jobs = "arn:aws:s3:::" + place.jobs_uri.removeprefix("s3://")
    assert not allowed(statements, "s3:DeleteObject", f"{jobs}/job/output/model.tar.gz")
    assert not allowed(statements, "s3:GetObject", "arn:aws:s3:::my-bucket/other/x")
    assert not allowed(statements, "s3:GetObject", "arn:aws:s3:::my-bucket-2/actorrec/x")


def test_a_job_fetches_its_image_and_logs() -> None:
    statements = named().statements("SageMakerRole")
    ecr, logs = "arn:aws:ecr:us-east-1", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group"
    assert allowed(statements, "ecr:BatchGetImage", f"{ecr}:763104351884:repository/tensorflow-training")
    assert allowed(statements, "ecr:BatchGetImage", f"{ecr}:{ACCOUNT}:repository/mine")
    assert not allowed(statements, "ecr:BatchGetImage", f"{ecr}:999999999999:repository/theirs")
    assert not allowed(statements, "ecr:PutImage", f"{ecr}:{ACCOUNT}:repository/mine")
    for group in ("TrainingJobs", "ProcessingJobs"):
        stream = f"{logs}:/aws/sagemaker/{group}:log-stream:job/algo-1"
        assert allowed(statements, "logs:PutLogEvents", stream)
        assert allowed(statements, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": f"/aws/sagemaker/{group}"})
    assert not allowed(statements, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Billing"})
    assert not allowed(statements, "cloudwatch:PutMetricData", "*")


def test_a_key_and_a_network_are_used_only_where_they_are_set() -> None:
    interface = f"arn:aws:ec2:us-east-1:{ACCOUNT}:network-interface/eni-1"
    without, both = named().statements("SageMakerRole"), named(KmsKeyArn=KEY, InVpc="true").statements("SageMakerRole")
    assert not allowed(without, "ec2:CreateNetworkInterface", interface)
    assert allowed(both, "ec2:CreateNetworkInterface", interface)
    assert not allowed(without, "kms:Decrypt", KEY) and allowed(both, "kms:Decrypt", KEY)
    assert allowed(both, "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"})
    assert not allowed(both, "kms:CreateGrant", KEY)
    device = named(KmsKeyArn=KEY).statements("TokenExchangeRole")
    assert allowed(device, "kms:Decrypt", KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert not allowed(device, "kms:Decrypt", KEY)


def test_a_device_speaks_as_itself_alone() -> None:
    statements = named().resources["DevicePolicy"]["PolicyDocument"]["Statement"]
    iot = f"arn:aws:iot:us-east-1:{ACCOUNT}"
    me = {"iot:Connection.Thing.ThingName": "pi-1"}
    for client in ("pi-1", "pi-1#2"):
        assert allowed(statements, "iot:Connect", f"{iot}:client/{client}", me)
    for client in ("pi-10", "pi-2"):
        assert not allowed(statements, "iot:Connect", f"{iot}:client/{client}", me)
    assert not allowed(statements, "iot:Connect", f"{iot}:client/pi-1")  # a certificate that belongs to no thing
    for topic in ("jobs/notify", "shadow/name/x/update", "greengrassv2/health/json"):
        assert allowed(statements, "iot:Publish", f"{iot}:topic/$aws/things/pi-1/{topic}", me)
        assert not allowed(statements, "iot:Publish", f"{iot}:topic/$aws/things/pi-2/{topic}", me)
        assert not allowed(statements, "iot:Receive", f"{iot}:topic/$aws/things/pi-10/{topic}", me)
    assert allowed(statements, "iot:Subscribe", f"{iot}:topicfilter/$aws/things/pi-1/jobs/notify-next", me)
    results = f"{iot}:topic/ml/tflite/image-classification"
    assert allowed(statements, "iot:Publish", results, me) and allowed(statements, "iot:Publish", f"{results}/pi-1", me)
    assert not allowed(statements, "iot:Subscribe", f"{iot}:topicfilter/ml/tflite/image-classification", me)
    assert not allowed(statements, "iot:Publish", f"{iot}:topic/anything", me)
    assert not allowed(statements, "iot:Publish", f"{results}/ota", me)  # there the function speaks
    assert allowed(statements, "iot:Publish", f"{results}/health", me)


def test_the_policies_of_devices_are_as_short_as_iot_asks() -> None:
    """2,048 characters, without spaces; here with long names of our own."""
    topic, partition = "factory/hall-7/cameras/at-the-door/recognised", "arn:aws:iot:us-east-1"
    resources = named(ResultsTopic=topic).resources
    for name in ("DevicePolicy", "ClientsPolicy"):
        text = "".join(json.dumps(resources[name]["PolicyDocument"]).split())
        assert len(text) + text.count(partition) * len("-gov-central") < 2_048, name


def test_the_policies_of_roles_are_as_short_as_iam_asks() -> None:
    """10,240 characters a role, without spaces; here with long names of our own."""
    names = {"Prefix": "team/a-long-name/actorrec", "ThingGroupName": "g" * 100, "ComponentName": "com." + "x" * 90}
    resources = Filled(stack_template(), VARIANTS["everything"] | names).resources
    for role in ("SageMakerRole", "TokenExchangeRole", "EventsRole", "OtaRole"):
        (policy,) = resources[role]["Policies"]
        assert len("".join(json.dumps(policy["PolicyDocument"]).split())) < 10_240, role


def test_a_device_that_takes_messages_of_others_may_know_them_and_nothing_else() -> None:
    statements = named().resources["ClientsPolicy"]["PolicyDocument"]["Statement"]
    device = named().resources["DevicePolicy"]["PolicyDocument"]["Statement"]
    info = f"arn:aws:greengrass:us-east-1:{ACCOUNT}:/greengrass/things/pi-1/connectivityInfo"
    assert allowed(statements, "greengrass:UpdateConnectivityInfo", info)
    assert allowed(statements, "greengrass:VerifyClientDeviceIdentity", "*")
    assert not allowed(device, "greengrass:UpdateConnectivityInfo", info)
    assert {action.split(":")[0] for action, _, _ in granted(statements)} == {"greengrass"}


def test_a_device_gets_one_role_and_reads_deployments() -> None:
    statements = named().resources["DevicePolicy"]["PolicyDocument"]["Statement"]
    alias = f"arn:aws:iot:us-east-1:{ACCOUNT}:rolealias"
    assert allowed(statements, "iot:AssumeRoleWithCertificate", f"{alias}/actorrec-token-exchange")
    assert not allowed(statements, "iot:AssumeRoleWithCertificate", f"{alias}/admin")
    greengrass = {action for action, _, _ in granted(statements) if action.startswith("greengrass:")}
    assert all(action.split(":")[1].startswith(READS) for action in greengrass) and len(greengrass) == 4


@pytest.mark.parametrize(
    ("name", "passes", "everywhere"),
    [
        ("policy-create.json", 3, {"logs:DescribeLogGroups"}),
        ("policy-use.json", 1, set()),
        (
            "policy-fleet.json",
            0,
            {
                "greengrass:CreateDeployment", "iot:CreateKeysAndCertificate", "iot:DescribeEndpoint",
                "sts:GetCallerIdentity",
            },
        ),
    ],
)  # fmt: skip
def test_what_people_need_names_its_actions_and_places(name: str, passes: int, everywhere: set[str]) -> None:
    text = (template_path().parent / name).read_text()
    statements = json.loads(text)["Statement"]
    assert len(text) < 6_144 * 2  # IAM counts without spaces
    assert len("".join(text.split())) < 6_144
    for action, resource, _ in granted(statements):
        assert "*" not in action
        assert resource != "*" or action.split(":")[1].startswith("List") or action in everywhere
    passed = [(resource, condition) for action, resource, condition in granted(statements) if action == "iam:PassRole"]
    assert all(condition["StringEquals"]["iam:PassedToService"] for _, condition in passed) and len(passed) == passes
    assert all(resource.startswith("arn:aws:iam::ACCOUNT:role/STACK-") for resource, _ in passed)


def test_the_lines_of_the_page_fill_the_policies_in(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    (lines,) = re.findall(r"^(    sed .*?)\n\n", (root / "docs" / "cloud.md").read_text(), re.S | re.M)
    script = "\n".join(line.strip() for line in lines.splitlines())
    script = script.replace("> ", f"> {tmp_path}/")
    subprocess.run(["bash", "-euc", script], cwd=root, check=True)
    create, use, fleet = (
        json.loads((tmp_path / f"{name}.json").read_text())["Statement"] for name in ("create", "use", "fleet")
    )
    left = [r for s in (create, use, fleet) for _, r, _ in granted(s) if re.search(r"[A-Z]{4}", r)]
    assert left == []
    to_jobs, to_devices = ({"iam:PassedToService": f"{s}.amazonaws.com"} for s in ("sagemaker", "credentials.iot"))
    roles = f"arn:aws:iam::{ACCOUNT}:role/actorrec"
    assert allowed(use, "iam:PassRole", f"{roles}-SageMakerRole-1", to_jobs)
    assert not allowed(use, "iam:PassRole", f"{roles}-SageMakerRole-1", {"iam:PassedToService": "ec2.amazonaws.com"})
    assert not allowed(use, "iam:PassRole", f"{roles}-TokenExchangeRole-1", to_jobs)
    assert allowed(create, "iam:PassRole", f"{roles}-TokenExchangeRole-1", to_devices)
    assert allowed(use, "s3:PutObject", "arn:aws:s3:::my-bucket/actorrec/model/abcd/manifest.json")
    assert not allowed(use, "s3:PutObject", "arn:aws:s3:::my-bucket/elsewhere")
    assert not allowed(use, "s3:DeleteObjectVersion", "arn:aws:s3:::my-bucket/actorrec/x")
    job = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:training-job"
    assert allowed(use, "sagemaker:CreateTrainingJob", f"{job}/actorrec-train-0-1")
    assert not allowed(use, "sagemaker:StopTrainingJob", f"{job}/somebody-elses")
    assert allowed(create, "s3:DeleteObjectVersion", "arn:aws:s3:::actorrec-bucket-1/actorrec/x")
    assert not allowed(create, "s3:DeleteBucket", "arn:aws:s3:::my-bucket")
    to_function, to_rule = ({"iam:PassedToService": f"{s}.amazonaws.com"} for s in ("lambda", "iot"))
    assert allowed(create, "iam:PassRole", f"{roles}-OtaRole-1", to_function)
    assert not allowed(create, "iam:PassRole", f"{roles}-OtaRole-1", to_rule)
    assert allowed(create, "iam:PassRole", f"{roles}-EventsRole-1", to_rule)
    assert allowed(create, "iot:CreateTopicRule", f"arn:aws:iot:eu-west-1:{ACCOUNT}:rule/actorrec_events")
    function = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function"
    assert allowed(create, "lambda:UpdateFunctionCode", f"{function}:actorrec-OtaFunction-1")
    assert not allowed(create, "lambda:UpdateFunctionCode", f"{function}:somebody-elses")


def test_the_parameters_that_are_sent_are_those_of_the_stack_template() -> None:
    settings = {"aws": {"kms_key": KEY}, "remote": {"subnets": ["subnet-1"]}, "greengrass": {"margin": 0.00001}}
    config = Config.model_validate(settings)
    code = "team/faces/lambda/0123456789abcdef/actorrec-lambda.zip"
    sent = replace(StackSettings.of(config, "my-bucket", "team/faces"), lambda_key=code).parameters()
    about = stack_template()["Parameters"]
    assert sent.keys() == about.keys() and sent["Margin"] == "0.00001"
    for name, value in sent.items():
        if "AllowedPattern" in about[name]:
            assert re.fullmatch(about[name]["AllowedPattern"], value), name
        assert value in as_list(about[name].get("AllowedValues", value))
    defaults = StackSettings.of(Config(), "replace-with-your-bucket", "actorrec").parameters()
    assert defaults == {name: str(each["Default"]) for name, each in about.items()}
