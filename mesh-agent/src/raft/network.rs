use super::types::{NodeId, TypeConfig};
use openraft::BasicNode;
use openraft::error::{InstallSnapshotError, RPCError, RaftError, Unreachable};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};

/// The network of a server that has no peers: whoever is asked for is not there.
pub(super) struct NoPeers;

/// The connection to a peer that does not exist.
pub(super) struct NoPeer {
    error: NoSuchPeer,
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("server {target} at {address} cannot be reached: this server was started without a peer network")]
struct NoSuchPeer {
    target: NodeId,
    address: String,
}

type Failure<E> = RPCError<NodeId, BasicNode, E>;

impl NoPeer {
    fn refuse<T, E: std::error::Error>(&self) -> Result<T, Failure<E>> {
        Err(RPCError::Unreachable(Unreachable::new(&self.error)))
    }
}

impl RaftNetworkFactory<TypeConfig> for NoPeers {
    type Network = NoPeer;

    async fn new_client(&mut self, target: NodeId, node: &BasicNode) -> NoPeer {
        NoPeer { error: NoSuchPeer { target, address: node.addr.clone() } }
    }
}

impl RaftNetwork<TypeConfig> for NoPeer {
    async fn append_entries(
        &mut self,
        _request: AppendEntriesRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<NodeId>, Failure<RaftError<NodeId>>> {
        self.refuse()
    }

    async fn install_snapshot(
        &mut self,
        _request: InstallSnapshotRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<InstallSnapshotResponse<NodeId>, Failure<RaftError<NodeId, InstallSnapshotError>>> {
        self.refuse()
    }

    async fn vote(
        &mut self,
        _request: VoteRequest<NodeId>,
        _option: RPCOption,
    ) -> Result<VoteResponse<NodeId>, Failure<RaftError<NodeId>>> {
        self.refuse()
    }
}
