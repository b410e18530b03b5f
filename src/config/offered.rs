//! Schemes that are not ours: which a name of the file means, a host's own or a plug-in's, and what
//! its table says to it.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::build::Builder;
use super::node::{Data, Key, Node, Place};
use crate::error::Report;
use crate::schemes::Scheme;
use crate::schemes::custom::{Complaint, Custom, Host, Offer, Offers, Setting, Settings};

type Members = [(Key, Node)];

impl Builder<'_> {
    /// The scheme of a name, with its table's members and those of a chain's item over them. `None`:
    /// it is one of ours. Chains share a scheme unless they give it options of their own.
    pub(super) fn offered(
        &mut self,
        name: &str,
        place: Place,
        own: &Members,
        item: &Members,
    ) -> Result<Option<Box<dyn Scheme>>, Report> {
        let own_of_item: Vec<_> = item.iter().filter(|(key, _)| !OF_ITEM.contains(&key.text.as_str())).collect();
        let known = self.made.iter().find(|(known, _)| known == name).filter(|_| own_of_item.is_empty());
        if let Some((_, host)) = known {
            return Ok(Some(Box::new(Custom::new(name, host.clone()))));
        }
        let (offer, taken): (Arc<dyn Offer>, &[&str]) = match (self.of_plugin(name, own)?, self.of_host(name)) {
            (Some(_), Some(_)) => {
                let text = format!("the host has a scheme {name:?} of its own");
                return Err(self.source.report(place, text, "give the plug-in's another name"));
            }
            (Some(offer), None) => (offer, OF_PLUGIN),
            (None, Some(offer)) => (offer, &[]),
            (None, None) => return Ok(None),
        };
        let mut members: Vec<_> = own.iter().filter(|(key, _)| !taken.contains(&key.text.as_str())).collect();
        for member in &own_of_item {
            members.retain(|(known, _)| known.text != member.0.text);
        }
        members.extend(&own_of_item);
        let host = self.made_of(name, place, offer.as_ref(), &members)?;
        if own_of_item.is_empty() {
            self.made.push((name.to_owned(), host.clone()));
        }
        Ok(Some(Box::new(Custom::new(name, host))))
    }

    fn of_host(&self, name: &str) -> Option<Arc<dyn Offer>> {
        self.parts.custom.iter().find(|(known, _)| known == name).map(|(_, offer)| offer.clone())
    }

    /// What `plugin` of a table offers under the name that `type` says: by default its only scheme, or
    /// the one that is named as the table.
    fn of_plugin(&self, name: &str, own: &Members) -> Result<Option<Arc<dyn Offer>>, Report> {
        let find = |wanted: &str| own.iter().find(|(key, _)| key.text == wanted).map(|(_, node)| node);
        let Some(node) = find("plugin") else { return Ok(None) };
        let offers = self.loaded(node)?;
        let (wanted, place) = match find("type") {
            Some(Node { data: Data::Text(text), place }) => (text.as_str(), *place),
            Some(other) => return Err(self.source.expected(other, "type", "the name of a scheme")),
            None => match &offers[..] {
                [(only, _)] => (only.as_str(), node.place),
                _ => (name, node.place),
            },
        };
        if let Some((_, offer)) = offers.iter().find(|(known, _)| known == wanted) {
            return Ok(Some(offer.clone()));
        }
        let known: Vec<_> = offers.iter().map(|(name, _)| name.as_str()).collect();
        let text = format!("the plug-in has no scheme {wanted:?}");
        Err(self.source.report(place, text, format!("say which with type; known: {}", known.join(", "))))
    }

    fn loaded(&self, node: &Node) -> Result<Offers, Report> {
        let Data::Text(path) = &node.data else {
            return Err(self.source.expected(node, "plugin", "the absolute path of a shared object"));
        };
        let Some(load) = self.parts.plugins else {
            return Err(self.source.report(node.place, "plug-ins cannot be loaded here", ""));
        };
        load(Path::new(path))
            .map_err(|why| self.source.report(node.place, format!("the plug-in {path:?} {why}"), A_PLUGIN))
    }

    fn made_of(
        &self,
        name: &str,
        place: Place,
        offer: &dyn Offer,
        members: &[&(Key, Node)],
    ) -> Result<Arc<dyn Host>, Report> {
        let list = members.iter().map(|(key, node)| Ok((key.text.clone(), self.setting(node)?)));
        let settings = Settings { scheme: name.to_owned(), list: list.collect::<Result<_, Report>>()? };
        offer.make(settings).map_err(|complaint| match complaint {
            Complaint::Unknown(i, known) => {
                let text = format!("unknown key {:?} in [schemes.{name}]", members[i].0.text);
                let remedy = match known.join(", ") {
                    none if none.is_empty() => "no keys are known here".to_owned(),
                    known => format!("known: {known}"),
                };
                self.source.report(members[i].0.place, text, remedy)
            }
            Complaint::Expected(i, expected) => {
                let (key, node) = members[i];
                self.source.expected(node, &key.text, &expected)
            }
            Complaint::Refused(Some(i), why) => {
                self.source.report(members[i].1.place, format!("{}: {why}", members[i].0.text), "")
            }
            Complaint::Refused(None, why) => {
                self.source.report(place, format!("the scheme {name:?} cannot be made: {why}"), "")
            }
        })
    }

    fn setting(&self, node: &Node) -> Result<Setting, Report> {
        let text = match &node.data {
            Data::Text(text) => Some(text.clone()),
            Data::Table(members) => self.source.elsewhere(members)?,
            Data::Integer(number) => return Ok(Setting::Integer(*number)),
            Data::Boolean(flag) => return Ok(Setting::Boolean(*flag)),
            Data::List(_) | Data::Other(_) => None,
        };
        match text.map(Zeroizing::new) {
            Some(text) if text.contains('\0') => {
                Err(self.source.report(node.place, "a text has a NUL in it", "which C would take for its end"))
            }
            Some(text) => Ok(Setting::Text(text)),
            None => Ok(Setting::Other),
        }
    }
}

const OF_ITEM: &[&str] = &["scheme", "control"];
const OF_PLUGIN: &[&str] = &["plugin", "type"];
const A_PLUGIN: &str = "expected the path of a shared object that only root and the user that runs this can change";
