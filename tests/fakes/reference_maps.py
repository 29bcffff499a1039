"""The maps that were given with the project, and the few more entries that the tests use."""

from __future__ import annotations

REGIONS = (
    ("us-east-1", "US-EAST", "USE1", "US East (N. Virginia)"),
    ("us-east-2", "US-EAST", "USE2", "US East (Ohio)"),
    ("ca-central-1", "US-EAST", "CAN1", "Canada (Central)"),
    ("us-west-1", "US-WEST", "USW1", "US West (N. California)"),
    ("us-west-2", "US-WEST", "USW2", "US West (Oregon)"),
    ("eu-west-1", "EU-WEST", "EU", "EU (Ireland)"),
    ("eu-west-2", "EU-WEST", "EUW2", "EU (London)"),
    ("eu-west-3", "EU-WEST", "EUW3", "EU (Paris)"),
    ("eu-central-1", "EU-CENTRAL", "EUC1", "EU (Frankfurt)"),
    ("eu-north-1", "EU-NORTH", "EUN1", "EU (Stockholm)"),
    ("ap-southeast-1", "ASIA-PACIFIC", "APS1", "Asia Pacific (Singapore)"),
    ("ap-southeast-2", "ASIA-PACIFIC", "APS2", "Asia Pacific (Sydney)"),
    ("ap-northeast-1", "ASIA-PACIFIC", "APN1", "Asia Pacific (Tokyo)"),
    ("ap-northeast-2", "ASIA-PACIFIC", "APN2", "Asia Pacific (Seoul)"),
    ("ap-south-1", "ASIA-PACIFIC", "APS3", "Asia Pacific (Mumbai)"),
    ("sa-east-1", "LATAM", "SAE1", "South America (Sao Paulo)"),
    ("me-south-1", "MENA", "MES1", "Middle East (Bahrain)"),
    ("af-south-1", "AFRICA", "AFS1", "Africa (Cape Town)"),
)
"""Region, location, what its usage types begin with, and its name in the price list."""

LOCATIONS = {region: location for region, location, _, _ in REGIONS}
PREFIXES = {prefix: region for region, _, prefix, _ in REGIONS}
NAMES = {name: region for region, _, _, name in REGIONS}

CATEGORIES = {
    "AmazonEC2": "cloud_compute",
    "AmazonRDS": "cloud_database",
    "AmazonDynamoDB": "cloud_database",
    "AmazonElastiCache": "cloud_database",
    "AmazonS3": "cloud_storage",
    "AWSLambda": "cloud_compute_serverless",
    "AmazonCloudFront": "cloud_cdn",
    "AmazonEKS": "cloud_compute_kubernetes",
    "AmazonECS": "cloud_compute_containers",
    "AWSDataTransfer": "data_transfer",
    "AWSELB": "cloud_network",
    "AmazonVPC": "cloud_network",
    "AmazonRoute53": "cloud_network",
    "AmazonSNS": "cloud_messaging",
    "AWSQueueService": "cloud_messaging",
    "AmazonECR": "cloud_storage",
}

UNITS = {
    "Hrs": "hours",
    "GB-Mo": "GB-month",
    "GB": "GB",
    "Requests": "requests",
    "Lambda-GB-Sec": "GB-seconds",
}
