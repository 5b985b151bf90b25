"""Clients of AWS without what nobody reads: the same requests, and a fraction of the memory (D5)."""

import sys

import botocore.model
import botocore.session
import pytest

from core.adapters.dynamo.shelf import rows
from core.adapters.models import LOADER, SERVICES, bare
from core.adapters.wiring import Wiring

ACCESS = {"region_name": "ap-northeast-2", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
ENV = {"AWS_REGION": "ap-northeast-2", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def size(thing):
    """Bytes of everything in it."""
    inner = [*thing, *thing.values()] if isinstance(thing, dict) else thing if isinstance(thing, list) else ()
    return sys.getsizeof(thing) + sum(map(size, inner))


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_an_address_is_the_one_that_botocore_gives_itself(service):
    own = botocore.session.get_session()
    known = own.create_client(service, **ACCESS).meta
    ours = Wiring(ENV).client(service).meta
    assert ours.endpoint_url == known.endpoint_url
    assert ours.service_model.operation_names == known.service_model.operation_names
    assert (ours.service_model.signature_version, ours.partition) == (known.service_model.signature_version, "aws")


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
@pytest.mark.parametrize("service", ["dynamodb", "sts"])
def test_so_it_is_in_other_parts_of_aws_and_for_who_signs_in_by_a_role(service, region):
    """No rows are kept for sts, and none of these regions was ever tried: both go by the rules of their partition."""
    theirs, ours = botocore.session.get_session(), botocore.session.get_session()
    ours.register_component("data_loader", LOADER)
    known, found = (each.create_client(service, **{**ACCESS, "region_name": region}) for each in (theirs, ours))
    assert (found.meta.endpoint_url, found.meta.partition) == (known.meta.endpoint_url, known.meta.partition)
    assert found._request_signer.region_name == known._request_signer.region_name == region
    assert found._request_signer.signing_name == known._request_signer.signing_name


def test_what_botocore_takes_for_granted_stays_in_models_that_are_still_to_come():
    """Lambda brings a botocore of its own and renews it without a word; a service may be given such a part any day."""
    parameters = {"UseIt": {"type": "boolean", "documentation": "<p>Whether.</p>"}}
    model = bare({"documentation": "<p>All.</p>", "clientContextParams": parameters})
    assert model == {"clientContextParams": parameters}
    assert len(botocore.model.ServiceModel(model).client_context_parameters) == 1


def test_a_field_that_is_called_documentation_stays():
    model = LOADER.load_data("dynamodb/2012-08-10/service-2")
    assert not [shape for shape in model["shapes"].values() if "documentation" in shape]
    assert set(model["shapes"]["PutItemInput"]["members"]) >= {"TableName", "Item"}


@pytest.mark.parametrize("name", ["endpoints", "dynamodb/2012-08-10/service-2"])
def test_what_is_kept_is_less_than_half(name):
    whole = botocore.session.get_session().get_component("data_loader").load_data(name)
    assert size(LOADER.load_data(name)) < size(whole) / 2


def test_pynamodb_reads_the_models_that_boto3_has_read():
    made = Wiring(ENV).client("dynamodb")
    connection = rows("state", {"region_name": "ap-northeast-2"})._get_connection().connection
    assert connection._client.meta.service_model.metadata is made.meta.service_model.metadata
