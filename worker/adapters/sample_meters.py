"""What the sample's payer uses, and where: services, usage types, units and prices as AWS names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """An AWS region, the prefix that its usage types carry (the oldest region has none) and its name in the price list."""

    code: str
    prefix: str
    name: str


REGIONS = (
    Region("us-east-1", "", "US East (N. Virginia)"),
    Region("us-west-2", "USW2-", "US West (Oregon)"),
    Region("ca-central-1", "CAN1-", "Canada (Central)"),
    Region("eu-central-1", "EUC1-", "EU (Frankfurt)"),
    Region("eu-west-1", "EU-", "EU (Ireland)"),
    Region("eu-north-1", "EUN1-", "EU (Stockholm)"),
    Region("ap-southeast-2", "APS2-", "Asia Pacific (Sydney)"),
    Region("sa-east-1", "SAE1-", "South America (Sao Paulo)"),
)

NOWHERE = Region("", "", "")
"""Where global services are metered."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing that AWS meters. ``rate`` is USD a ``unit``; only ``zonal`` usage names an availability zone."""

    service_code: str
    service_name: str
    usage_type: str
    operation: str
    unit: str
    rate: str
    resource_prefix: str = ""
    instance_type: str = ""
    zonal: bool = False
    regional: bool = True

    def cells(self, region: Region) -> Mapping[str, str]:
        """What all its rows in one region have in common."""
        return {
            "line_item_product_code": self.service_code,
            "line_item_usage_type": region.prefix + self.usage_type,
            "line_item_operation": self.operation,
            "line_item_availability_zone": f"{region.code}a" if self.zonal else "",
            "line_item_unblended_rate": self.rate,
            "line_item_line_item_description": f"${self.rate} per {self.unit}, {region.name}",
            "product_product_name": self.service_name,
            "product_instance_type": self.instance_type,
            "product_location": region.name,
            "product_region": region.code,
            "product_region_code": region.code,
            "product_servicecode": self.service_code,
            "product_usagetype": region.prefix + self.usage_type,
            "pricing_unit": self.unit,
        }


EC2, S3, RDS = "Amazon Elastic Compute Cloud", "Amazon Simple Storage Service", "Amazon Relational Database Service"

METERS = (
    Meter("AmazonEC2", EC2, "BoxUsage:m5.large", "RunInstances", "Hrs", "0.096", "i-", "m5.large", zonal=True),
    Meter("AmazonEC2", EC2, "BoxUsage:c7g.xlarge", "RunInstances", "Hrs", "0.145", "i-", "c7g.xlarge", zonal=True),
    Meter("AmazonEC2", EC2, "SpotUsage:r6i.2xlarge", "RunInstances:SV002", "Hrs", "0.1713", "i-", "r6i.2xlarge", zonal=True),
    Meter("AmazonEC2", EC2, "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "GB-Mo", "0.08", "vol-"),
    Meter("AmazonEC2", EC2, "DataTransfer-Out-Bytes", "RunInstances", "GB", "0.09", "i-"),
    Meter("AmazonS3", S3, "TimedStorage-ByteHrs", "StandardStorage", "GB-Mo", "0.023", "bucket-"),
    Meter("AmazonS3", S3, "Requests-Tier1", "PutObject", "Requests", "0.000005", "bucket-"),
    Meter("AmazonRDS", RDS, "InstanceUsage:db.r6g.large", "CreateDBInstance:0014", "Hrs", "0.225", "db-", "db.r6g.large"),
    Meter("AmazonDynamoDB", "Amazon DynamoDB", "TimedStorage-ByteHrs", "StandardStorage", "GB-Mo", "0.25", "table-"),
    Meter("AmazonElastiCache", "Amazon ElastiCache", "NodeUsage:cache.r7g.large", "CreateCacheCluster:0002", "Hrs", "0.219", "cache-", "cache.r7g.large"),
    Meter("AWSLambda", "AWS Lambda", "Lambda-GB-Second", "Invoke", "Lambda-GB-Second", "0.0000166667", "function-"),
    Meter("AmazonEKS", "Amazon Elastic Container Service for Kubernetes", "AmazonEKS-Hours:perCluster", "CreateOperation", "Hours", "0.1", "cluster-"),
    Meter("AmazonECS", "Amazon Elastic Container Service", "Fargate-vCPU-Hours:perCPU", "FargateTask", "hours", "0.04048", "task-"),
    Meter("AWSELB", "Elastic Load Balancing", "LoadBalancerUsage", "LoadBalancing:Application", "Hrs", "0.0225", "app-"),
    Meter("AmazonCloudWatch", "AmazonCloudWatch", "CW:Requests", "GetMetricData", "", "0.00001"),
    Meter("AmazonRoute53", "Amazon Route 53", "DNS-Queries", "A", "Queries", "0.0000004", "zone-", regional=False),
)  # fmt: skip
"""CloudWatch's rows come without a unit, Route 53's without a region: both are met in real files."""
