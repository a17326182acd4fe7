use super::{Client, ClientError, Query};
use serde::Deserialize;

/// A node's place in the network.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodePlace {
    pub node: String,
    pub coord: Place,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Place {
    pub vec: Vec<f64>,
    pub adjustment: f64,
    pub height: f64,
}

/// The servers of one datacenter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DatacenterPlaces {
    pub datacenter: String,
    pub coordinates: Vec<NodePlace>,
}

impl Place {
    /// Seconds of a round trip, as Consul computes them.
    pub fn distance(&self, other: &Self) -> f64 {
        let apart: f64 = self.vec.iter().zip(&other.vec).map(|(one, two)| (one - two).powi(2)).sum();
        let raw = apart.sqrt() + self.height + other.height;
        let adjusted = raw + self.adjustment + other.adjustment;
        if adjusted > 0.0 { adjusted } else { raw }
    }
}

impl Client {
    pub async fn node_places(&self, query: &Query) -> Result<Vec<NodePlace>, ClientError> {
        Ok(self.get("/v1/coordinate/nodes", query).await?.value)
    }

    pub async fn server_places(&self, query: &Query) -> Result<Vec<DatacenterPlaces>, ClientError> {
        Ok(self.get("/v1/coordinate/datacenters", query).await?.value)
    }
}
